"""A review in a real folder of results: what is written, what is kept after a kill, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco

from slotlight.errors import DatasetError, OutputError
from slotlight.files import MARKER
from slotlight.review.folder import ReviewFolder
from slotlight.review.journal import JOURNAL
from slotlight.review.picture import Sheet, draw, piece_at
from slotlight.review.state import KEYS

HEIGHT, WIDTH = 60, 80


def rectangle(left, top, right, bottom):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[top:bottom, left:right] = 1
    code = coco.encode(mask)
    return {"size": code["size"], "counts": code["counts"].decode()}


BOXES = {11: (5, 5, 25, 25), 12: (30, 10, 50, 40), 13: (60, 20, 75, 55)}


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Three photographs, of which the first has three objects, the second none, the third is gone."""
    folder = tmp_path / "found"
    folder.mkdir()
    (folder / MARKER).write_text('{"model": "test"}')
    images = [
        {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
        for number, name in ((1, "one"), (2, "two"), (3, "three"))
    ]
    annotations = [
        {
            "id": number,
            "image_id": 3 if number == 14 else 1,
            "category_id": 1,
            "segmentation": rectangle(*box),
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": (box[2] - box[0]) * (box[3] - box[1]),
            "iscrowd": 0,
            "score": score,
        }
        for (number, box), score in zip(
            (BOXES | {14: (0, 0, 9, 9)}).items(), (0.9, 0.8, 0.7, 0.6), strict=True
        )
    ]
    content = {
        "info": {},
        "categories": [{"id": 1, "name": "object"}],
        "images": images,
        "annotations": annotations,
    }
    (folder / "objects.json").write_text(json.dumps(content))
    for name in ("one", "two"):
        Image.new("RGB", (WIDTH, HEIGHT), (40, 60, 80)).save(tmp_path / f"{name}.png")
    return folder


def opened(found: Path, **options) -> ReviewFolder:
    return ReviewFolder(found, root=found.parent, **options)


def press(folder: ReviewFolder, *keys: str) -> None:
    for key in keys:
        folder.press(key)


def saved(folder: ReviewFolder) -> dict:
    return json.loads(folder.save().read_text())


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


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from(list(KEYS)), max_size=25), cut=st.integers(0, 60))
def test_a_kill_at_any_moment_loses_at_most_the_last_key(found, keys, cut):
    """The record without its end is a review without its last changes; the rest goes on as it was."""
    folder = opened(found, start_over=True)
    press(folder, *keys)
    left, at = dict(folder.review.changed), folder.review.at
    folder.close()
    again = opened(found)
    assert (again.review.changed, again.review.at) == (left, at)
    again.close()
    record = found / JOURNAL
    lines = record.read_bytes().splitlines(keepends=True)
    if len(lines) > 1:
        record.write_bytes(b"".join(lines[:-1]) + lines[-1][: min(cut, len(lines[-1]) - 2)])
        short = opened(found)
        press(short, "ArrowDown", "d")
        left = dict(short.review.changed)
        short.close()
        again = opened(found)
        assert again.review.changed == left
        again.close()


def test_it_goes_on_where_the_person_left_off_and_knows_what_is_unsaved(found):
    folder = opened(found)
    press(folder, "d", "ArrowRight", "ArrowRight")
    assert not folder.journal.is_saved
    folder.close()
    folder = opened(found)
    assert folder.review.photograph == 3
    assert not folder.journal.is_saved
    folder.save()
    folder.close()
    folder = opened(found)
    assert folder.journal.is_saved
    press(folder, "ArrowLeft")
    assert folder.journal.is_saved
    assert saved(folder)["info"]["reviewed"] == [1, 2, 3]


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


def test_the_picture_shows_each_piece(found):
    folder = opened(found)
    press(folder, "d", "ArrowDown")
    sheet = Sheet.of(folder)
    picture = np.asarray(draw(sheet, folder.review))
    assert not sheet.fault
    assert picture.shape == (HEIGHT, WIDTH, 3)
    photograph = (40, 60, 80)
    assert tuple(picture[15, 15]) == photograph  # dropped: a grey line around it, and no colour
    assert tuple(picture[15, 5]) == (150, 150, 150)
    assert tuple(picture[30, 40]) != photograph  # kept
    assert tuple(picture[25, 30]) == (255, 255, 255)  # selected
    assert tuple(picture[35, 65]) != photograph
    assert tuple(picture[2, 2]) == photograph
    assert [
        piece_at(sheet, folder.review, x, y) for x, y in ((15, 15), (40, 30), (70, 30), (1, 1), (999, 1))
    ] == [*(0, 1, 2, None, None)]
    press(folder, "m", "ArrowDown", "m")
    union = np.asarray(draw(sheet, folder.review))
    assert piece_at(sheet, folder.review, 70, 30) == piece_at(sheet, folder.review, 40, 30) == 1
    tints = [union[30, 40].astype(int) - photograph, union[40, 66].astype(int) - photograph]
    np.testing.assert_array_equal(*tints)


def test_a_photograph_that_is_gone_or_changed_is_said(found):
    folder = opened(found)
    press(folder, "ArrowRight", "ArrowRight")
    sheet = Sheet.of(folder)
    assert "three.png cannot be read: No such file" in sheet.fault
    assert np.asarray(draw(sheet, folder.review)).shape == (HEIGHT, WIDTH, 3)
    Image.new("RGB", (HEIGHT, WIDTH)).save(found.parent / "three.png")
    assert "60×80 pixels and had 80×60" in Sheet.of(folder).fault


def test_a_damaged_object_is_said(found):
    content = json.loads((found / "objects.json").read_text())
    content["annotations"][0]["segmentation"]["counts"] = "0"
    content["annotations"][3].pop("segmentation")
    (found / "objects.json").write_text(json.dumps(content))
    folder = opened(found)
    assert "annotation 11 has run lengths" in Sheet.of(folder).fault
    draw(Sheet.of(folder), folder.review)
    press(folder, "ArrowRight", "ArrowRight")
    assert "annotation 14 has no mask" in Sheet.of(folder).fault
