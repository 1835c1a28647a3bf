"""Building a feature cache beside the bare backbone, and reading it beside reading its bytes."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.inference import forward
from benchmarks.subjects import DEVICE, DIM, GRID, SIDE, backbone, photographs, vit
from benchmarks.timing import Pair, compare
from slotlight.config import BackboneConfig
from slotlight.features.cache import cache_features
from slotlight.features.dataset import FeatureCache, FeatureDataset

COUNT, BATCH, COPIES = 96, 16, 6
COLD_ROWS = 3_500  # a gigabyte


def run() -> Iterator[Pair]:
    paths, frozen = list(photographs(COUNT)), backbone()
    images = torch.rand(BATCH, 3, SIDE, SIDE, device=DEVICE)
    size = BackboneConfig().image_size

    def build() -> None:
        with TemporaryDirectory() as folder:
            cache_features(paths, Path(folder), frozen, image_size=size, batch_size=BATCH, precision="bf16")

    for what, network in (
        ("the bare backbone", vit().eval().to(DEVICE)),
        ("the same, cut off as ours is", frozen),
    ):
        yield compare(
            f"feature cache from JPEG files, bf16, beside {what}",
            build,
            partial(forward, network, images, COUNT // BATCH, "bf16"),
            units=COUNT,
            rounds=7,
        )
    with TemporaryDirectory() as folder:
        cache = cache_features(paths, Path(folder), frozen, image_size=size, precision="bf16")
        dataset, order = FeatureDataset(cache), torch.randperm(len(paths)).tolist()

        def read() -> None:
            for start in range(0, COPIES * len(order), BATCH):
                dataset.__getitems__([order[place % len(order)] for place in range(start, start + BATCH)])

        yield compare(
            "reading a cache in batches, in random order, GB, beside reading the file's bytes",
            read,
            lambda: [cache.file.read_bytes() for _ in range(COPIES)],
            units=COPIES * cache.file.stat().st_size / 1e9,
        )
    if hasattr(os, "posix_fadvise"):  # elsewhere the system cannot be told to forget a file
        with TemporaryDirectory() as folder:
            yield from_disk(Path(folder) / "features.f16")


def from_disk(file: Path) -> Pair:
    """A cache of which nothing is in memory, as if it were larger: random rows, beside the file from end to end."""
    row_bytes = GRID[0] * GRID[1] * DIM * 2
    with file.open("wb") as written:
        for _ in range(COLD_ROWS):
            written.write(os.urandom(row_bytes))
        os.fsync(written.fileno())
    cache = FeatureCache(file, [Path(str(row)) for row in range(COLD_ROWS)], {}, GRID, DIM, SIDE)
    order = torch.randperm(COLD_ROWS).tolist()

    def rows() -> None:
        forget(file)
        dataset = FeatureDataset(cache)
        for start in range(0, COLD_ROWS, BATCH):
            dataset.__getitems__(order[start : start + BATCH])

    def whole() -> None:
        forget(file)
        piece = bytearray(1 << 22)
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(piece):
                pass

    return compare(
        "reading a cache that is not in memory, random rows, GB, beside reading the file from its start",
        rows,
        whole,
        units=COLD_ROWS * row_bytes / 1e9,
    )


def forget(file: Path) -> None:
    """Drop the system's copy of a file from memory."""
    with file.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
