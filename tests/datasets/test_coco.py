import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import VOID, COCODataset, DatasetSource, LabelKind, open_dataset
from slotlight.errors import DatasetError, ImageError

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


def test_objects_and_crowds_are_kept_one_by_one(coco: tuple[Path, Path]) -> None:
    labels = COCODataset(*coco)[0].read_labels(ALL)
    assert labels.crowds_xyxy.tolist() == [[18, 0, 20, 10]]
    masks = labels.instance_masks()
    assert [mask.area() for mask in masks.objects] == [9, 60]  # whole, though the smaller lies on the larger
    assert masks.areas == (9, 60)
    assert [mask.area() for mask in masks.crowds] == [20]
    boxes_alone = COCODataset(*coco)[0].read_labels(frozenset({LabelKind.BOXES}))
    assert boxes_alone.crowds_xyxy.tolist() == [[18, 0, 20, 10]]


def test_identity_changes_with_its_own_annotations_alone(coco: tuple[Path, Path]) -> None:
    before = [COCODataset(*coco)[index].identity() for index in range(2)]
    content = json.loads(coco[0].read_text())
    content["annotations"][0]["bbox"][0] += 1
    coco[0].write_text(json.dumps(content))
    after = [COCODataset(*coco)[index].identity() for index in range(2)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True]


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


@pytest.mark.parametrize(("text", "message"), [("{", "not a JSON file"), ("[]", "lacks annotations, images")])
def test_files_of_another_form(coco: tuple[Path, Path], text: str, message: str) -> None:
    coco[0].write_text(text)
    with pytest.raises(DatasetError, match=message):
        COCODataset(*coco)


def test_missing_places(coco: tuple[Path, Path]) -> None:
    with pytest.raises(DatasetError, match="no COCO file"):
        COCODataset(coco[0].with_name("x.json"), coco[1])
    with pytest.raises(DatasetError, match="no folder of photographs"):
        COCODataset(coco[0], coco[1] / "x")


def rewrite(path: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def turn(coco: tuple[Path, Path]) -> None:
    """Store a photograph a quarter turn to the left, as phones do; it is seen at 20×10."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (10, 20)).save(coco[1] / "a.png", exif=exif)


def test_truth_in_the_upright_frame_stays_as_it_is(coco: tuple[Path, Path]) -> None:
    before = COCODataset(*coco)[0].read_labels(ALL)
    turn(coco)
    after = COCODataset(*coco)[0].read_labels(ALL)
    np.testing.assert_array_equal(after.instances, before.instances)
    np.testing.assert_array_equal(after.boxes_xyxy, before.boxes_xyxy)


def test_truth_in_the_stored_frame_is_turned_with_its_photograph(
    coco: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    def store(content: dict) -> None:
        content["images"][1] |= {"height": 20, "width": 10}
        content["annotations"] = [box(1, 3, 1, 0, 2, 3, 10)]

    turn(coco)
    rewrite(coco[0], store)
    sample = COCODataset(*coco)[0]
    labels = sample.read_labels(ALL)
    ys, xs = np.nonzero(labels.instances)
    assert labels.instances.shape == sample.read_image().shape[:2] == (10, 20)
    assert labels.boxes_xyxy.tolist() == [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]] == [[8, 0, 18, 3]]
    assert "stored rotated" in caplog.text


@pytest.mark.parametrize("name", ["images\\\\a.png", "C:\\\\x\\\\a.png", "/home/me/val2017/a.png", "./a.png"])
def test_file_names_of_other_places(coco: tuple[Path, Path], name: str) -> None:
    rewrite(coco[0], lambda content: content["images"][1].update(file_name=name.replace("\\\\", "\\")))
    assert COCODataset(*coco)[0].read_image().shape == (10, 20, 3)


def test_a_photograph_of_another_folder_is_not_taken_for_one_of_the_same_name(
    coco: tuple[Path, Path],
) -> None:
    def two_cameras(content: dict) -> None:
        for camera, image in enumerate(content["images"]):
            image["file_name"] = f"camera{camera}/a.png"

    rewrite(coco[0], two_cameras)
    for sample in COCODataset(*coco):
        with pytest.raises(ImageError, match=r"camera[01]/a\.png cannot be read"):
            sample.read_image()


def test_file_names_of_another_case_name_the_only_photograph(coco: tuple[Path, Path]) -> None:
    rewrite(coco[0], lambda content: content["images"][1].update(file_name="A.PNG"))
    assert COCODataset(*coco)[0].read_image().shape == (10, 20, 3)
    Image.new("RGB", (20, 10)).save(coco[1] / "a.PNG")  # either could be meant
    with pytest.raises(ImageError, match=r"A\.PNG cannot be read"):
        COCODataset(*coco)[0].read_image()


@pytest.mark.parametrize("deep", [False, True])
def test_links_name_photographs_as_lvis_does(coco: tuple[Path, Path], deep: bool) -> None:
    def link(content: dict) -> None:
        for image in content["images"]:
            image["coco_url"] = f"http://images.cocodataset.org/val2017/{image.pop('file_name')}"

    rewrite(coco[0], link)
    assert COCODataset(coco[0], coco[1].parent if deep else coco[1])[0].read_image().shape == (10, 20, 3)


def test_photographs_of_one_name_keep_apart(coco: tuple[Path, Path]) -> None:
    rewrite(coco[0], lambda content: content["images"][1].update(file_name="b.png"))
    assert len({s.id for s in COCODataset(*coco)}) == 2


def test_more_categories_than_a_map_has_labels(coco: tuple[Path, Path]) -> None:
    def many(content: dict) -> None:
        content["categories"] = [{"id": number, "name": str(number)} for number in range(1, 1204)]
        content["annotations"][0]["category_id"] = 1203

    rewrite(coco[0], many)
    labels = COCODataset(*coco)[0].read_labels(ALL)
    assert labels.classes[5, 5] == 2
    assert labels.classes[3, 3] == 1


def test_a_file_of_boxes_alone(coco: tuple[Path, Path]) -> None:
    rewrite(coco[0], lambda content: [a.pop("segmentation") for a in content["annotations"]])
    dataset = COCODataset(*coco)
    assert dataset.label_kinds == {LabelKind.BOXES}
    assert len(dataset[0].read_labels(dataset.label_kinds).boxes_xyxy) == 2


def test_a_missing_segmentation_is_named_where_masks_are_asked(coco: tuple[Path, Path]) -> None:
    rewrite(coco[0], lambda content: content["annotations"][1].pop("segmentation"))
    sample = COCODataset(*coco)[0]
    assert len(sample.read_labels(frozenset({LabelKind.BOXES})).boxes_xyxy) == 2
    with pytest.raises(DatasetError, match="annotation 2 has no segmentation; choose a protocol of boxes"):
        sample.read_labels(ALL)


def test_sizes_that_are_not_given_are_the_photographs(coco: tuple[Path, Path]) -> None:
    rewrite(coco[0], lambda content: [content["images"][1].pop(key) for key in ("height", "width")])
    assert COCODataset(*coco)[0].read_labels(ALL).instances.shape == (10, 20)


@pytest.mark.parametrize("has_size", [True, False])
@pytest.mark.parametrize(
    ("bbox", "said"),
    [
        (
            [4, 4, 17, 9],
            "1 of 3 boxes reach beyond their photographs, such as annotation 1's [4, 4, 17, 9] in 20×10",
        ),
        ([4, 4, 17, 3], None),  # a pixel may be rounding
    ],
)
def test_boxes_beyond_their_photograph_are_said(
    coco: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    bbox: list[int],
    said: str | None,
    has_size: bool,
) -> None:
    content = json.loads(coco[0].read_text())
    content["annotations"][0]["bbox"] = bbox
    if not has_size:
        content["images"] = [{"id": i["id"], "file_name": i["file_name"]} for i in content["images"]]
    coco[0].write_text(json.dumps(content))
    assert COCODataset(*coco)[0].read_labels(frozenset({LabelKind.BOXES})).boxes_xyxy is not None
    assert (said in caplog.text) if said else not caplog.text


def test_boxes_in_other_units_are_said(coco: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    content = json.loads(coco[0].read_text())
    for annotation in content["annotations"]:
        annotation["bbox"] = [0.2, 0.2, 0.5, 1]
    coco[0].write_text(json.dumps(content))
    COCODataset(*coco)
    assert "all 3 boxes are a pixel or less" in caplog.text


def test_numbers_beyond_any_float_are_named(coco: tuple[Path, Path]) -> None:
    content = json.loads(coco[0].read_text())
    content["annotations"][0]["id"] = 10**400
    coco[0].write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="has the id 1000"):
        COCODataset(*coco)
