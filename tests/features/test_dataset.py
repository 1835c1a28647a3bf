import os
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from slotlight.features.dataset import FeatureCache, FeatureDataset
from slotlight.images import read_photograph, resize, to_batch
from tiny_caches import SIDE, build, tiny_backbone


def test_rows_are_the_backbones_features_in_order(photographs: list[Path], tmp_path: Path) -> None:
    cache = build(photographs, tmp_path / "cache")
    assert cache.photographs == [p for p in photographs if p.name != "3x.jpg"]
    dataset = FeatureDataset(cache)
    images = to_batch([resize(read_photograph(p), (SIDE, SIDE)) for p in cache.photographs])
    expected, rows = tiny_backbone()(images).patches, dataset.__getitems__(list(range(8)))
    torch.testing.assert_close(rows.float(), expected, atol=0.1, rtol=0.05)  # decoded at 1/2 .. 1/8
    torch.testing.assert_close(dataset[4], rows[4])
    assert (cache.grid, cache.dim, cache.side) == ((2, 2), 192, SIDE)


def test_batches_come_whole(photographs: list[Path], tmp_path: Path) -> None:
    dataset = FeatureDataset(build(photographs, tmp_path))
    batches = list(DataLoader(dataset, batch_size=3, collate_fn=lambda batch: batch))
    assert [len(batch) for batch in batches] == [3, 3, 2]
    torch.testing.assert_close(torch.cat(batches), torch.stack(list(dataset)))


def test_a_cache_may_be_larger_than_memory(tmp_path: Path) -> None:
    row_bytes = 64 * 64 * 1024 * 2
    rows = 2 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // row_bytes
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", rows * row_bytes)
    dataset = FeatureDataset(
        FeatureCache(tmp_path / "sparse", [tmp_path] * rows, {}, grid=(64, 64), dim=1024, side=1024)
    )
    assert dataset.__getitems__([0, rows - 1]).shape == (2, 4096, 1024)
