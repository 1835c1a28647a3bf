"""Where the time of `discover` goes, stage by stage: ``python -m benchmarks.stages``.

Milliseconds of one thread a photograph: processor time, not time on the clock, the least of a few rounds, so that
what else the machine does hardly matters.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.inference import PRECISIONS, forward, models
from benchmarks.subjects import photographs, vit
from benchmarks.timing import hardware
from slotlight.config import ObjectRule, Precision
from slotlight.discovery.objects import pixel_objects
from slotlight.images import fit_size, read_photograph, resize, to_batch
from slotlight.model.segmenter import ModelSegmenter

BATCH, ROUNDS = 8, 4


def stages(precision: Precision) -> Iterator[tuple[str, float]]:
    """The name of each stage, and its milliseconds a photograph."""
    paths, size = photographs(BATCH), fit_size(375, 500, 320, 16)
    pictures = [read_photograph(path) for path in paths]
    images = to_batch([resize(picture, size) for picture in pictures])
    parts = dict(models(precision))
    attention = parts["slot-attention masks"]
    features = attention.backbone(images).patches
    found = attention.segment(images)
    yield "read: JPEG to pixels", cost(lambda: [read_photograph(path) for path in paths])
    yield "resize", cost(lambda: [resize(picture, size) for picture in pictures])
    yield "backbone, whole", cost(partial(forward, vit().eval(), images, 1, precision))
    yield "backbone, up to the last keys", cost(partial(forward, attention.backbone, images, 1, precision))
    for name, model in parts.items():
        yield f"slots, fusion, figure, {name}", cost(partial(slots_of, model, features, precision))
    yield (
        "pixels: winners, parts, boxes",
        cost(
            lambda: [
                pixel_objects(*one, (375, 500), ObjectRule())
                for one in zip(found.masks, found.scores, strict=True)
            ]
        ),
    )


@torch.inference_mode()
def slots_of(model: ModelSegmenter, features: torch.Tensor, precision: Precision) -> None:
    """Everything after the backbone and before the pixels."""
    grid = tuple(side // 16 for side in fit_size(375, 500, 320, 16))
    with torch.autocast(features.device.type, torch.bfloat16, enabled=precision == "bf16"):
        model.model.segment_features(features, (grid[0], grid[1]))


def cost(work: Callable[[], object]) -> float:
    """Milliseconds of this thread a photograph."""
    work()
    return min(_seconds(work) for _ in range(ROUNDS)) * 1e3 / BATCH


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    console, table = Console(), Table("stage", *PRECISIONS)
    console.print(hardware())
    for rows in zip(*map(stages, PRECISIONS), strict=True):
        table.add_row(rows[0][0], *(f"{milliseconds:.1f}" for _, milliseconds in rows))
    console.print(table)


if __name__ == "__main__":
    main()
