"""A review in a real folder of results: what is written, what is kept after a kill, what is refused."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco

from reviews import BOXES, HEIGHT, WIDTH, opened, press, saved
from slotlight.errors import DatasetError, OutputError
from slotlight.review.folder import ReviewFolder
from slotlight.review.journal import JOURNAL


def test_nothing_changed_saves_what_was_found(found):
    before = json.loads((found / "objects.json").read_text())
    folder = opened(found)
    after = saved(folder)
    assert after["images"] == before["images"]
    assert after["categories"] == before["categories"]
    assert after["annotations"] == [
        one | {"id": number} for number, one in enumerate(before["annotations"], start=1)
    ]
    assert after["info"]["reviewed"] == [1]


def test_drop_and_merge(found):
    before = (found / "objects.json").read_bytes()
    folder = opened(found)
    press(folder, "d", "ArrowDown", "m", "ArrowDown", "m")
    after = saved(folder)
    assert (found / "objects.json").read_bytes() == before
    union, other = after["annotations"]
    assert other["image_id"] == 3
    mask = coco.decode(union["segmentation"]).astype(bool)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    for left, top, right, bottom in (BOXES[12], BOXES[13]):
        expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(mask, expected)
    assert (union["bbox"], union["area"], union["score"]) == ([30, 10, 45, 45], expected.sum(), 0.8)


def test_what_is_refused(found, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "absent", tmp_path, found / "objects.json"):
        with pytest.raises(OutputError, match=r"name a folder that `slotlight discover` has finished\.$"):
            ReviewFolder(folder)
        assert not (tmp_path / "absent").exists()
    first = opened(found)
    with pytest.raises(OutputError, match="Another process is writing"):
        opened(found)
    press(first, "d")
    first.save()
    first.close()
    text = (found / "objects.json").read_text()
    (found / "objects.json").write_text(text.replace("0.9", "0.95"))
    with pytest.raises(OutputError, match=r"reviewed before its objects\.json changed"):
        opened(found)
    opened(found, start_over=True).close()
    (found / JOURNAL).unlink()
    with pytest.raises(OutputError, match=r"reviewed\.json has no record"):
        opened(found)
    (found / "objects.json").write_text(text[: len(text) // 2])
    with pytest.raises(DatasetError, match="not a JSON file"):
        opened(found)


def test_a_full_disk_keeps_the_former_file(found):
    folder = opened(found)
    folder.save()
    before = (found / "reviewed.json").read_bytes()
    press(folder, "d")
    (found / ".partial.reviewed.json").mkdir()  # nothing can be written there
    with pytest.raises(OutputError, match="The review is kept"):
        folder.save()
    assert (found / "reviewed.json").read_bytes() == before
