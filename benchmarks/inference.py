"""`discover`, end to end from JPEG files to objects, beside the bare backbone's forward pass of as many images."""

from collections.abc import Iterator

import torch

from benchmarks.subjects import SIDE, photographs, segmenter
from benchmarks.timing import Pair, compare
from slotlight.config import DecoderConfig
from slotlight.discovery import Discoverer


def run() -> Iterator[Pair]:
    paths, batch = list(photographs()), 8
    for what, model in (
        ("MLP decoder's masks", segmenter()),
        ("slot-attention masks", segmenter("attention")),
        ("mixer decoder's masks", segmenter("decoder", DecoderConfig(kind="mixer"))),
    ):
        discoverer = Discoverer(model)
        images = torch.rand(batch, 3, SIDE, SIDE)

        def bare(model=model, images=images) -> None:  # type: ignore[no-untyped-def]
            for _ in range(len(paths) // batch):
                model.backbone(images)

        yield compare(
            f"discover, {what}, beside the bare backbone",
            lambda discoverer=discoverer: discoverer.discover(paths, batch_size=batch),  # type: ignore[misc]
            bare,
            units=len(paths),
            rounds=3,
        )
