import json
from pathlib import Path

import pytest

from slotlight.datasets.coco_file import read_coco_file
from slotlight.errors import DatasetError


def content() -> dict:
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 20, "height": 10} for i in (1, 2)],
        "annotations": [
            {"id": 5 + i, "image_id": i, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0} for i in (1, 2)
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }


def save(path: Path, data: object, encoding: str = "utf-8") -> Path:
    path.write_text(json.dumps(data), encoding=encoding)
    return path


def changed(**changes: object) -> dict:
    """The content with ``kind_number_key=value`` set; a value of ... takes the key away."""
    data = content()
    for place, value in changes.items():
        kind, number, key = place.split("_", 2)
        data[kind][int(number)][key] = value
        if value is ...:
            del data[kind][int(number)][key]
    return data


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"annotations_0_id": ...},
        {"annotations_0_id": None, "annotations_1_id": None},
        {"annotations_0_iscrowd": ..., "annotations_1_iscrowd": None},
        {"annotations_0_category_id": ...},
        {"images_0_file_name": ..., "images_0_coco_url": "http://images.cocodataset.org/val2017/1.jpg"},
        {"images_0_id": 1.0, "annotations_0_image_id": 1.0},
        {"categories_0_name": ..., "categories_0_supercategory": 7},
    ],
)
def test_unusual_files_are_read(tmp_path: Path, changes: dict[str, object]) -> None:
    file = read_coco_file(save(tmp_path / "x.json", changed(**changes)))
    assert [Path(image["file_name"]).name for image in file.images.values()] == ["1.jpg", "2.jpg"]
    annotations = [a for some in file.annotations.values() for a in some]
    assert len({a["id"] for a in annotations}) == 2
    assert all(a["iscrowd"] == 0 and a["category_id"] == 1 for a in annotations)


def test_categories_may_be_left_out(tmp_path: Path) -> None:
    data = content()
    del data["categories"]
    assert list(read_coco_file(save(tmp_path / "x.json", data)).categories) == [1]


def test_ids_may_be_texts(tmp_path: Path) -> None:
    changes = {
        f"{kind}_{i}_{key}": f"n{i}"
        for i in (0, 1)
        for kind, key in [("images", "id"), ("annotations", "image_id")]
    }
    assert list(read_coco_file(save(tmp_path / "x.json", changed(**changes))).images) == ["n0", "n1"]


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert len(read_coco_file(save(tmp_path / "x.json", content(), "utf-8-sig")).images) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"annotations_1_id": 6}, "two annotations have the id 6"),
        ({"images_1_id": 1}, "two images have the id 1"),
        ({"images_0_file_name": ...}, "image 1 has no file_name"),
        ({"images_0_file_name": ""}, "image 1 has the file_name ''"),
        ({"images_0_file_name": 7}, "image 1 has the file_name 7"),
        ({"images_1_id": ...}, r"image number 1 \(from 0\) has no id"),
        ({"images_0_width": -20}, "image 1 has the width -20; it must be a number of pixels"),
        ({"images_0_height": "10"}, "image 1 has the height '10'"),
        ({"images_0_height": float("inf")}, "image 1 has the height inf"),
        ({"images_0_id": "1"}, "ids are both strings and numbers"),
        ({"annotations_0_image_id": "1"}, "ids are both strings and numbers"),
        ({"annotations_0_image_id": [1]}, r"annotation 6 has the image_id \[1\]"),
        ({"annotations_0_image_id": ...}, "annotation 6 has no image_id"),
        ({"annotations_0_category_id": {}}, "annotation 6 has the category_id {}"),
        (
            {"annotations_0_category_id": 5},
            "annotation 6 has the category 5, which its categories do not list",
        ),
        ({"annotations_0_iscrowd": 1, "annotations_1_iscrowd": 1}, "all 2 annotations are crowds"),
        ({"annotations_0_iscrowd": 2}, "annotation 6 has the iscrowd 2; it must be 0 or 1"),
        ({"annotations_0_iscrowd": [0]}, "annotation 6 has the iscrowd"),
        (
            {"annotations_0_image_id": 8, "annotations_1_image_id": 9},
            "no annotation belongs to a listed image",
        ),
    ],
)
def test_contradictions_are_one_sentence_that_names_the_entry(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(DatasetError, match=says) as error:
        read_coco_file(save(tmp_path / "x.json", changed(**changes)))
    assert "x.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_annotations_of_unlisted_images_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = read_coco_file(save(tmp_path / "x.json", changed(annotations_1_image_id=77)))
    assert file.annotations[2] == []
    assert "annotation 7 is of image 77" in caplog.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ("7", "lacks annotations, images"),
        ('{"images": [], "annotations": []}', "lists no images"),
        ('{"images": {}, "annotations": []}', "lists no images"),
        ('{"images": [3], "annotations": [{}]}', "image number 0 is not an object but 3"),
    ],
)
def test_other_files(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DatasetError, match=says):
        read_coco_file(tmp_path / "x.json")
