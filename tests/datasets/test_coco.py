import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import VOID, COCODataset, DatasetSource, LabelKind, open_dataset
from slotlight.errors import DatasetError

ALL = frozenset(LabelKind)


@pytest.fixture
def coco(tmp_path: Path) -> tuple[Path, Path]:
    """One photograph with a large object, a smaller one upon it, and a crowd; one with nothing."""
    photographs = tmp_path / "val2017"
    photographs.mkdir()
    for name in ("b.png", "a.png"):
        Image.new("RGB", (20, 10)).save(photographs / name)
    crowd = np.zeros((10, 20), np.uint8)
    crowd[:, 18:] = 1
    runs = [int(crowd.size - crowd.sum()), int(crowd.sum())]  # column by column: the last two columns
    content = {
        "images": [
            {"id": 7, "file_name": "b.png", "height": 10, "width": 20},
            {"id": 3, "file_name": "a.png", "height": 10, "width": 20},
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}],
        "annotations": [
            box(1, 3, 90, 4, 4, 3, 3),
            box(2, 3, 1, 2, 2, 10, 6),
            {
                "id": 3,
                "image_id": 3,
                "category_id": 1,
                "iscrowd": 1,
                "bbox": [18, 0, 2, 10],
                "area": 20,
                "segmentation": {"size": [10, 20], "counts": runs},
            },
        ],
    }
    path = tmp_path / "instances_val2017.json"
    path.write_text(json.dumps(content))
    return path, photographs


def box(number: int, image: int, category: int, x: int, y: int, w: int, h: int) -> dict:
    corners = [x, y, x + w, y, x + w, y + h, x, y + h]
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "iscrowd": 0,
        "bbox": [x, y, w, h],
        "area": w * h,
        "segmentation": [corners],
    }


def test_smaller_objects_are_on_top_and_crowds_void(coco: tuple[Path, Path]) -> None:
    labels = COCODataset(*coco)[0].read_labels(ALL)
    assert labels.instances[5, 5] == 1
    assert labels.instances[3, 3] == 2
    assert labels.classes[5, 5] == 2  # categories 1 and 90 are labels 1 and 2
    assert labels.classes[3, 3] == 1
    assert (labels.instances[:, 18:] == VOID).all()
    assert labels.boxes_xyxy.tolist() == [[4, 4, 7, 7], [2, 2, 12, 8]]
    assert np.unique(labels.foreground).tolist() == [0, 1, VOID]


def test_photographs_go_by_id_and_may_have_no_object(coco: tuple[Path, Path]) -> None:
    dataset = open_dataset(DatasetSource(str(coco[1]), annotations=coco[0]))
    assert [s.id for s in dataset] == ["a.png", "b.png"]
    labels = dataset[1].read_labels(ALL)
    assert labels.boxes_xyxy.shape == (0, 4)
    assert not labels.instances.any()


def test_wrong_size_is_named(coco: tuple[Path, Path]) -> None:
    Image.new("RGB", (21, 10)).save(coco[1] / "a.png")
    with pytest.raises(DatasetError, match="is 20×10 but its photograph is 21×10"):
        COCODataset(*coco)[0].read_labels(ALL)


def test_class_out_of_range_is_named(coco: tuple[Path, Path]) -> None:
    content = json.loads(coco[0].read_text())
    content["annotations"][0]["category_id"] = 5
    coco[0].write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="annotation 1 has category 5"):
        COCODataset(*coco)[0].read_labels(ALL)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "no JSON"), ("[]", "lacks annotations, categories, images")]
)
def test_files_of_another_form(coco: tuple[Path, Path], text: str, message: str) -> None:
    coco[0].write_text(text)
    with pytest.raises(DatasetError, match=message):
        COCODataset(*coco)


def test_missing_places(coco: tuple[Path, Path]) -> None:
    with pytest.raises(DatasetError, match="no COCO file"):
        COCODataset(coco[0].with_name("x.json"), coco[1])
    with pytest.raises(DatasetError, match="no folder of photographs"):
        COCODataset(coco[0], coco[1] / "x")
