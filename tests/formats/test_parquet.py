import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from faster_coco_eval.core import mask as coco_masks

from found_scenes import found_scenes, masks_of
from slotlight.formats import parquet
from slotlight.formats.found import Found, FoundPhotograph


def test_pyarrow_loads_it(tmp_path):
    found = found_scenes(tmp_path / "in")
    parquet.write_parquet(found, tmp_path)
    rows = pq.read_table(tmp_path / "objects.parquet").to_pylist()
    assert [row["error"] for row in rows] == [None, None, None, "d.png is broken"]
    assert {(row["model"], row["fingerprint"]) for row in rows} == {("some model", "f00d")}
    assert (rows[3]["width"], rows[3]["objects"]) == (None, [])
    for row, photograph in zip(rows, found.read(), strict=True):
        assert row["file_name"] == photograph.file_name
        codes = [{"size": [60, 80], "counts": one["rle"].encode()} for one in row["objects"]]
        masks = coco_masks.decode(codes).transpose(2, 0, 1) if codes else np.zeros((0, 60, 80))
        if not photograph.cause:
            assert np.array_equal(masks, masks_of(photograph))
        boxes = [[one[side] for side in ("left", "top", "right", "bottom")] for one in row["objects"]]
        assert np.array_equal(np.reshape(boxes, (-1, 4)), photograph.boxes_xyxy())


def test_groups_of_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 3)
    parquet.write_parquet(found_scenes(tmp_path / "in"), tmp_path)
    assert pq.ParquetFile(tmp_path / "objects.parquet").num_row_groups == 2
    parquet.write_parquet(Found({}, lambda: iter(())), tmp_path)
    assert pq.read_table(tmp_path / "objects.parquet").num_rows == 0


def test_ids_and_settings_are_told(tmp_path):
    photograph = FoundPhotograph("s3://b/a.jpg", "s3://b/\udcff.jpg", "a", 1, 4, 3, [], key="own")
    found = Found({"model": "m", "seed": 3, "min_score": 0.5}, lambda: iter([photograph]))
    parquet.write_parquet(found, tmp_path)
    [row] = pq.read_table(tmp_path / "objects.parquet").to_pylist()
    assert (row["file_name"], row["key"]) == (r"s3://b/\udcff.jpg", "own")
    assert (row["model"], row["fingerprint"]) == ("m", None)
    assert json.loads(row["settings"]) == {"seed": 3, "min_score": 0.5}


def photographs(count):
    return (FoundPhotograph("", f"{number:06}.jpg", "", number, 4, 3, []) for number in range(count))


def test_blocks_hold_so_many_and_those_of_a_longer_run_go(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BLOCK", 10)
    monkeypatch.setattr(parquet, "ROWS", 4)

    def written(count):
        parquet.write_parquet_blocks(Found({"model": "m"}, lambda: photographs(count)), tmp_path)
        tables = [pq.read_table(file) for file in sorted((tmp_path / "objects").iterdir())]
        names = [name for table in tables for name in table["file_name"].to_pylist()]
        assert names == [f"{number:06}.jpg" for number in range(count)]
        return [len(table) for table in tables]

    assert written(25) == [10, 10, 5]
    assert written(10) == [10]
    assert written(0) == []


def test_a_block_is_whole_or_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BLOCK", 5)

    def stopped():
        yield from photographs(8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parquet.write_parquet_blocks(Found({}, stopped), tmp_path)
    assert [file.name for file in (tmp_path / "objects").iterdir()] == ["00000.parquet"]
    assert len(pq.read_table(parquet.block_file(tmp_path, 0))) == 5


MEASURE = """
import resource
from pathlib import Path
from slotlight.config.formats import FormatConfig
from slotlight.discovery.record import Line
from slotlight.discovery.results import ResultFolder
from slotlight.images.places import Located

found = {{"id": 1, "image_id": 1, "category_id": 1, "segmentation": {{"size": [375, 500], "counts": "x" * 300}}}}
found |= {{"bbox": [5.0, 6.0, 7.0, 8.0], "area": 56, "iscrowd": 0, "score": 0.5}}
photographs = [Located.at(f"/photographs/{{number:06}}.jpg") for number in range({count})]
results = ResultFolder(Path({out!r}), photographs, {{}}, masks=False, formats=FormatConfig(format=({name!r},)))
lines = (Line(e.file, e.name, e.image_id, e.stamp, 500, 375, [found] * 4) for e in results.left)
for _ in results.take(lines):
    pass
results.finish()
results.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parquet-blocks", "coco"])
def test_memory_does_not_grow_with_the_objects(tmp_path, name):
    """What grows is the index of a run's photographs; their objects, 2 kB each, are written and let go of."""
    peaks = {}
    for count in (1_000, 10_000):
        code = MEASURE.format(out=str(tmp_path / str(count)), count=count, name=name)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks[count] = int(done.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    print(name, {count: f"{peak / 1e6:.0f} MB" for count, peak in peaks.items()})
    assert peaks[10_000] <= 1.1 * peaks[1_000]
