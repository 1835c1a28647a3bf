"""Where the time of `discover` goes, stage by stage: ``python -m benchmarks.stages``.

Milliseconds of one thread a photograph: processor time, not time on the clock, the least of a few rounds, so that
what else the machine does hardly matters.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

import slotlight
from benchmarks.inference import PRECISIONS, forward, models
from benchmarks.subjects import photographs, vit
from benchmarks.timing import hardware
from slotlight.config import ObjectRule, Precision
from slotlight.discovery.objects import pixel_objects
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.record import Entry
from slotlight.images import fit_size, read_photograph, resize, to_batch
from slotlight.images.places import LocalFile
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


@torch.inference_mode()
def embedded(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Each stage of `discover` with the embedded model: its name, milliseconds a photograph, GFLOP a photograph.

    The last row is a product of two matrices that has as many operations as the backbone: what the processor can do.
    """
    model = slotlight.load()
    segmenter = model.segmenter
    assert segmenter.backbone is not None
    paths = photographs(BATCH)
    pictures = [read_photograph(path) for path in paths]
    size = fit_size(375, 500, segmenter.image_size, segmenter.patch_size)
    images = to_batch([resize(picture, size) for picture in pictures])
    found = [model.discover(path) for path in paths]
    yield "read: JPEG to pixels", cost(lambda: [read_photograph(path) for path in paths]), 0
    yield "resize", cost(lambda: [resize(picture, size) for picture in pictures]), 0
    with FlopCounterMode(display=False) as counter:
        segmenter.backbone(images)
    work = counter.get_total_flops() / BATCH / 1e9
    backbone = cost(partial(segmenter.backbone, images))
    yield "backbone", backbone, work
    yield "slots, foreground, boundaries", cost(partial(segmenter.segment, images)) - backbone, 0
    masks = segmenter.segment(images)
    yield (
        "pixels: winners, parts, boxes",
        cost(
            lambda: [
                pixel_objects(*one, (375, 500), model.rule, calibration=model.calibration)
                for one in zip(masks.masks, masks.scores, strict=True)
            ]
        ),
        0,
    )
    tagged = [
        replace(one, tag=Entry(path.name, "photograph", 1, [], LocalFile(str(path))))
        for one, path in zip(found, paths, strict=True)
    ]
    label_maps, both = Pictures(folder, overlays=False), Pictures(folder)
    maps = cost(lambda: [label_maps.write(one) for one in tagged])
    yield "label map (PNG) and RLE", maps, 0
    yield "overlay (JPEG)", cost(lambda: [both.write(one) for one in tagged]) - maps, 0
    side = 2048
    product = cost(partial(torch.mm, torch.rand(side, side), torch.rand(side, side))) * BATCH
    yield "(a product of matrices with the backbone's operations)", product * work / (2 * side**3 / 1e9), work


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
    has_half = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    precisions = [precision for precision in PRECISIONS if precision == "fp32" or has_half]
    console, table = Console(), Table("stage", *precisions)
    console.print(hardware())
    for rows in zip(*map(stages, precisions), strict=True):
        table.add_row(rows[0][0], *(f"{milliseconds:.1f}" for _, milliseconds in rows))
    console.print(table)
    of_embedded = Table("the embedded model, fp32", "ms", "GFLOP", "GFLOP/s")
    with TemporaryDirectory() as folder:
        for name, milliseconds, work in embedded(Path(folder)):
            speed = (f"{work:.2f}", f"{work / milliseconds * 1e3:.0f}") if work else ("", "")
            of_embedded.add_row(name, f"{milliseconds:.1f}", *speed)
    console.print(of_embedded)


if __name__ == "__main__":
    main()
