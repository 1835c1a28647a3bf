"""Building a feature cache beside the bare backbone, and reading it beside reading its bytes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.inference import forward
from benchmarks.subjects import DEVICE, SIDE, backbone, photographs, vit
from benchmarks.timing import Pair, compare
from slotlight.config import BackboneConfig
from slotlight.feature_cache import cache_features
from slotlight.feature_dataset import FeatureDataset

COUNT, BATCH, COPIES = 96, 16, 6


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
