"""Blocks of Parquet: whole or not at all, the same whatever the split, and of constant memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from faster_coco_eval.core import mask as coco_masks

from slotlight.discovery.blocks import block_file, block_schema, write_blocks
from slotlight.discovery.merging import merge_shards
from slotlight.discovery.record import Line
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.shards import Shard
from slotlight.formats.coco import coco_annotations
from slotlight.images.places import Located, Nowhere

IDENTITY = {"model": "some model", "fingerprint": "abc", "seed": 3, "min_score": 0.5}


def mask(number: int) -> np.ndarray:
    found = np.zeros((1, 20, 30), bool)
    found[0, number % 15 : number % 15 + 4, 5:9] = True
    return found


def line(number: int, name: str, image_id: int, stamp: list[int], file: str = "", address: str = "") -> Line:
    boxes = np.array([[5, number % 15, 9, number % 15 + 4]], np.float32)
    annotations = coco_annotations(
        mask(number), boxes, np.array([0.75], np.float32), image_id=image_id, first_annotation_id=1
    )
    return Line(file or name, name, image_id, stamp, 30, 20, annotations, address=address)


def photographs(count: int) -> list[Located]:
    """Every seventh cannot be read, the last one has an id of its own."""
    last = Located("own", Nowhere(""), "s3://b/own.jpg", own=True)
    return [*(Located.at(f"/x/{number:05}.jpg") for number in range(count - 1)), last]


def run(out: Path, count: int, shard: str = "", **how: object) -> Path:
    part = Shard.parse(shard) if shard else None
    results = ResultFolder(out, photographs(count), IDENTITY, overlays=False, masks=False, shard=part, **how)

    def lines():
        for entry in results.left:
            number = count - 1 if entry.address else int(entry.file[3:8])
            if number % 7 == 6:
                yield Line.failed(entry, f"{entry.file} is broken")
            else:
                yield line(number, entry.name, entry.image_id, entry.stamp, entry.file, entry.address)

    for _ in results.take(lines()):
        pass
    results.finish()
    results.close()
    return out


def rows(out: Path) -> list[dict]:
    files = sorted((out / "objects").iterdir())
    return [row for file in files for row in pyarrow.parquet.read_table(file).to_pylist()]


def files_below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_row_is_a_photograph(tmp_path):
    found = rows(run(tmp_path / "out", 25, block=10))
    names = [row["file_name"] for row in found]
    assert names == [*(f"/x/{number:05}.jpg" for number in range(24)), "s3://b/own.jpg"]
    assert [row["key"] for row in found] == [None] * 24 + ["own"]
    assert [bool(row["error"]) for row in found] == [number % 7 == 6 for number in range(25)]
    row = found[3]
    assert (row["width"], row["height"], row["model"], row["fingerprint"]) == (30, 20, "some model", "abc")
    assert json.loads(row["settings"]) == {"seed": 3, "min_score": 0.5}
    [only] = row["objects"]
    assert (only["left"], only["top"], only["right"], only["bottom"]) == (5, 3, 9, 7)
    assert (only["score"], only["area"]) == (0.75, 16)
    decoded = coco_masks.decode({"size": [20, 30], "counts": only["rle"].encode()})
    assert np.array_equal(decoded.astype(bool), mask(3)[0])
    assert found[6]["width"] is None
    assert found[6]["objects"] == []
    assert not (tmp_path / "out/objects.json").exists()


def test_blocks_hold_so_many_and_stale_ones_go(tmp_path):
    def sizes() -> list[int]:
        return [
            pyarrow.parquet.read_metadata(f).num_rows for f in sorted((tmp_path / "out/objects").iterdir())
        ]

    run(tmp_path / "out", 25, block=10)
    assert sizes() == [10, 10, 5]
    run(tmp_path / "out", 9, block=10)
    assert sizes() == [9]
    assert len(rows(tmp_path / "out")) == 9


def test_any_split_gives_the_blocks_of_one_run(tmp_path):
    whole = run(tmp_path / "whole", 40, block=16)
    shards = [run(tmp_path / f"s{number}", 40, f"{number}/5", block=16) for number in range(1, 6)]
    merged = merge_shards(shards, tmp_path / "merged")
    assert merged.objects == tmp_path / "merged/objects"
    assert files_below(tmp_path / "merged") == files_below(whole)
    assert len(files_below(whole)) == 4


def test_a_block_is_whole_or_not_there(tmp_path):
    def lines():
        for number in range(8):
            if number == 7:
                raise KeyboardInterrupt
            yield line(number, str(number), number, [])

    with pytest.raises(KeyboardInterrupt):
        write_blocks(tmp_path, IDENTITY, lines(), 5)
    assert [file.name for file in (tmp_path / "objects").iterdir()] == ["00000.parquet"]
    assert pyarrow.parquet.read_table(block_file(tmp_path, 0)).schema.equals(block_schema())


MEASURE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from discovery.test_blocks import run
run(Path({out!r}), {count}, block={block})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("block", [1000, None])
def test_memory_is_flat(tmp_path, block):
    """The folder of results, Parquet and COCO, without a model: what grows is a record's index, below 2 kB each."""
    peaks = {}
    for count in (1_000, 10_000):
        tests = str(Path(__file__).parents[1])
        code = MEASURE.format(tests=tests, out=str(tmp_path / str(count)), count=count, block=block)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks[count] = int(done.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert peaks[10_000] - peaks[1_000] < 9_000 * 2_000
    assert peaks[10_000] <= 1.1 * peaks[1_000]
