"""A training step on cached features beside a step that runs the backbone each time; the ways to make it cheaper."""

from collections.abc import Callable, Iterator

import torch

from benchmarks import authors
from benchmarks.subjects import DIM, GRID, SIDE, backbone, slot_model
from benchmarks.timing import Pair, compare
from slotlight.config import DecoderConfig
from slotlight.model import SlotModel

BATCH = 8


def run() -> Iterator[Pair]:
    features = torch.randn(BATCH, GRID[0] * GRID[1], DIM)
    images, frozen = torch.rand(BATCH, 3, SIDE, SIDE), backbone()
    plain = step(slot_model(), lambda: features)
    yield compare(
        "training step from cached features, beside one that runs the backbone",
        plain,
        step(slot_model(), lambda: frozen(images).patches.clone()),
        units=BATCH,
        rounds=3,
    )
    yield from beside_authors(plain)
    for what, decoder in (
        ("a quarter of the patches decoded", DecoderConfig(patch_share=0.25)),
        ("mixer decoder", DecoderConfig(kind="mixer")),
    ):
        yield compare(
            f"training step, {what}, beside the plain MLP decoder",
            step(slot_model(decoder=decoder), lambda: features),
            plain,
            units=BATCH,
            rounds=3,
        )


def beside_authors(plain: Callable[[], None]) -> Iterator[Pair]:
    """Where their code is at hand; each at its own batch, in images a second."""
    if authors.checkout():
        theirs = authors.training_step(torch.randn(authors.BATCH, 3, SIDE, SIDE))
        yield compare(
            "training step from cached features, beside the authors' step",
            plain,
            theirs,
            units=BATCH,
            other_units=authors.BATCH,
            rounds=3,
        )


def step(model: SlotModel, features: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """One optimiser step."""
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-4)

    def run() -> None:
        optimiser.zero_grad()
        model.loss(features()).backward()
        optimiser.step()

    return run
