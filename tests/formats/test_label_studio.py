import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from found_scenes import SHAPES, found_scenes, masks_of
from slotlight.formats.label_studio import INTERFACE, brush_run_lengths, write_label_studio
from tools import ask


def decoded(run_lengths: list[int]) -> np.ndarray:
    """A decoder of rle-pack, bit by bit, written from its description."""
    bits = "".join(f"{byte:08b}" for byte in run_lengths)
    place = 0

    def read(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    total, word = read(32), read(5) + 1
    widths = [read(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < total:
        is_run = read(1)
        count = read(widths[read(2)]) + 1
        values += [read(word)] * count if is_run else [read(word) for _ in range(count)]
    return np.array(values)


@pytest.mark.parametrize("name", SHAPES)
def test_brush_run_lengths_give_the_mask_back(name):
    pixels = decoded(brush_run_lengths(SHAPES[name])).reshape(60, 80, 4)
    assert np.array_equal(pixels, np.repeat(SHAPES[name][..., None], 4, axis=2) * 255)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 3))
def test_any_runs(cells, rows):
    mask = np.array([cells] * rows)
    assert np.array_equal(decoded(brush_run_lengths(mask))[::4], mask.ravel() * 255)


@pytest.mark.parametrize("pixels", [16383, 16384, 16385, 32768, 49153])
def test_runs_longer_than_sixteen_bits(pixels):
    mask = np.zeros((1, pixels + 7), bool)
    mask[0, :pixels] = True
    assert np.array_equal(decoded(brush_run_lengths(mask))[::4], mask.ravel() * 255)


def test_tasks_with_boxes_in_per_cent_and_the_most_uncertain_first(tmp_path):
    found = found_scenes(tmp_path / "in")
    write_label_studio(found, tmp_path)
    tasks = json.loads((tmp_path / "label-studio.json").read_text())
    assert [Path(task["data"]["image"]).name for task in tasks] == ["a.png", "b%20b.png", "c.png"]
    predictions = [task["predictions"][0] for task in tasks]
    assert [prediction["score"] for prediction in predictions] == [0.7, 0.35, 0.0]
    assert predictions[0]["model_version"] == "some model-f00d"
    box = predictions[0]["result"][3]
    assert box["value"] == {
        "x": 75.0, "y": pytest.approx(200 / 3), "width": 25.0, "height": pytest.approx(100 / 3), "rotation": 0,
        "rectanglelabels": ["object"],
    }  # fmt: skip
    assert (box["type"], box["from_name"], box["to_name"]) == ("rectanglelabels", "box", "image")
    ids = [region["id"] for region in predictions[0]["result"]]
    assert len(set(ids)) == len(ids) == 6


_SDK = """
import json, sys
import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
masks = np.load(sys.argv[1])
tasks = json.load(open(sys.argv[2]))
ours = [r["value"]["rle"] for r in tasks[0]["predictions"][0]["result"] if r["type"] == "brushlabels"]
theirs = [mask2rle(mask.astype(np.uint8) * 255) for mask in masks]
back = [(decode_rle(rle).reshape(*masks.shape[1:], 4)[..., 3] > 0) for rle in ours]
print(json.dumps([ours == theirs, bool(np.array_equal(back, masks)), len(ours)]))
"""


@pytest.mark.slow
def test_the_sdk_writes_the_same_bytes_and_reads_the_masks(tmp_path):
    found = found_scenes(tmp_path / "in", shapes=tuple(SHAPES))
    write_label_studio(found, tmp_path)
    np.save(tmp_path / "masks.npy", masks_of(next(found.photographs())))
    said = ask("label-studio-sdk", _SDK, tmp_path / "masks.npy", tmp_path / "label-studio.json")
    assert said == [True, True, len(SHAPES)]


@pytest.mark.slow
def test_the_converter_of_the_sdk_makes_coco_of_it(tmp_path):
    """Predictions, taken over as annotations, leave Label Studio with the same masks."""
    found = found_scenes(tmp_path / "in")
    write_label_studio(found, tmp_path)
    code = """
import json, sys
from pathlib import Path
from label_studio_sdk.converter import Converter
folder = Path(sys.argv[1])
tasks = json.loads((folder / "label-studio.json").read_text())
for number, task in enumerate(tasks, start=1):
    task["id"] = number
    task["annotations"] = [{"id": number, "completed_by": 1, "result": task.pop("predictions")[0]["result"]}]
(folder / "export.json").write_text(json.dumps(tasks))
Converter(sys.argv[2], str(folder), download_resources=False).convert_to_coco(
    str(folder / "export.json"), str(folder / "coco"), is_dir=False)
print((folder / "coco/result.json").read_text().replace("\\n", " "))
"""
    result = ask("label-studio-sdk", code, tmp_path, INTERFACE)
    boxes = sorted([round(v) for v in one["bbox"]] for one in result["annotations"] if one["image_id"] == 0)
    first = next(found.photographs())
    assert [round(v) for v in first.annotations[1]["bbox"]] in boxes
