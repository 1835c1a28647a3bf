import numpy as np
import pyarrow.parquet as pq
from faster_coco_eval.core import mask as coco_masks

from found_scenes import found_scenes, masks_of
from slotlight.formats import parquet
from slotlight.formats.found import Found


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
