"""`discover`, end to end from JPEG files to objects, beside the bare backbone and beside the authors' inference.

The bare backbone is the whole timm network, every block, as one would run it by itself: batches of the same size and
number, already in memory, in the same precision. Ours stops at the last block's keys.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

import slotlight
from benchmarks import authors
from benchmarks.subjects import SIDE, photographs, segmenter, vit
from benchmarks.timing import Pair, compare
from slotlight.config import DecoderConfig, Precision
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.images import fit_size
from slotlight.model.segmenter import ModelSegmenter

BATCH, COUNT, ROUNDS = 8, 24, 3
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def run() -> Iterator[Pair]:
    """Every row."""
    for precision in PRECISIONS:
        for what, model in models(precision):
            yield beside_backbone(f"discover, {what}, {precision}", model, vit().eval())
        if authors.checkout():
            for what, model in models(precision):
                yield beside_authors(f"discover, {what}, {precision}", model)
        yield embedded(precision)


def models(precision: Precision) -> Iterator[tuple[str, ModelSegmenter]]:
    """The paper's sizes, with each kind of masks."""
    yield "MLP decoder's masks", segmenter(precision=precision)
    yield "slot-attention masks", segmenter("attention", precision=precision)
    mixer = DecoderConfig(kind="mixer")
    yield "mixer decoder's masks", segmenter("decoder", mixer, precision=precision)


def beside_backbone(what: str, model: ModelSegmenter, network: nn.Module) -> Pair:
    """Objects of JPEG files, beside the network's forward pass of as many images of their size."""
    images = torch.rand(BATCH, 3, *fit_size(375, 500, SIDE, 16))
    return compare(
        f"{what}, beside the bare backbone",
        partial(Discoverer(model).discover, photographs(COUNT), batch_size=BATCH),
        partial(forward, network, images, COUNT // BATCH, model.precision),
        units=COUNT,
        rounds=ROUNDS,
    )


def beside_authors(what: str, model: ModelSegmenter) -> Pair:
    """Objects of JPEG files, beside the authors' masks of tensors, in fp32 as they released it."""
    images = torch.rand(authors.BATCH, 3, SIDE, SIDE)
    return compare(
        f"{what}, beside the authors' inference",
        partial(Discoverer(model).discover, photographs(COUNT), batch_size=BATCH),
        partial(authors.inference, images),
        units=COUNT,
        other_units=authors.BATCH,
        rounds=ROUNDS,
    )


def embedded(precision: Precision) -> Pair:
    """The model in the package: to objects in memory, beside as many whose masks and overlays are written too."""
    discoverer, paths = slotlight.load(precision=precision), photographs(COUNT)
    return compare(
        f"discover, the embedded model, {precision}, beside writing masks and overlays too",
        partial(discoverer.discover, paths, batch_size=BATCH),
        partial(discover_and_write, discoverer, paths),
        units=COUNT,
        rounds=ROUNDS,
    )


@torch.inference_mode()
def forward(
    network: Callable[[torch.Tensor], object], images: torch.Tensor, times: int, precision: Precision
) -> None:
    """The bare backbone."""
    for _ in range(times):
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
            network(images)


def discover_and_write(discoverer: Discoverer, paths: Sequence[Path]) -> None:
    """What `slotlight discover` does once it is loaded."""
    with TemporaryDirectory() as folder:
        results = ResultFolder(Path(folder), paths, {"model": discoverer.name})
        lines = discover_entries(discoverer, results.left, results.pictures, batch_size=BATCH, seed=0)
        for _ in results.take(lines):
            pass
        results.finish()
        results.close()
