"""A training step on cached features beside the authors'; ways to make it cheaper; how near it is to the limit."""

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import authors
from benchmarks.subjects import DEVICE, DIM, GRID, SIDE, backbone, slot_model
from benchmarks.timing import Pair, Work, compare
from slotlight.config import DecoderConfig, Precision
from slotlight.model.slot_model import SlotModel
from slotlight.training.loop import Reconstruction

BATCH = 16  # of the preset `paper`
PEAK_SIDE = 2048  # of the square matrices whose product is the peak
WAYS = {  # the decoder; whether compiled
    "every patch decoded": (DecoderConfig(), False),
    "every patch decoded, compiled": (DecoderConfig(), True),
    "a quarter of the patches decoded": (DecoderConfig(patch_share=0.25), False),
    "a quarter of the patches decoded, compiled": (DecoderConfig(patch_share=0.25), True),
    "mixer decoder": (DecoderConfig(kind="mixer"), False),
    "mixer decoder, a quarter of the patches": (DecoderConfig(kind="mixer", patch_share=0.25), False),
}


def run() -> Iterator[Pair]:
    features = torch.randn(BATCH, GRID[0] * GRID[1], DIM, device=DEVICE)
    for what, (decoder, compiled) in WAYS.items():
        if authors.checkout():
            yield compare(
                f"bf16 training step, {what}, beside the authors' step (fp32, as released)",
                step(slot_model(decoder=decoder), lambda: features, "bf16", compiled=compiled),
                authors.training_step(torch.randn(authors.BATCH, 3, SIDE, SIDE, device=DEVICE)),
                units=BATCH,
                other_units=authors.BATCH,
                rounds=3,
            )
    plain = step(slot_model(), lambda: features, "bf16")
    images, frozen = torch.rand(BATCH, 3, SIDE, SIDE, device=DEVICE), backbone()
    for what, other in (
        ("one that runs the backbone", step(slot_model(), lambda: frozen(images).patches.clone(), "bf16")),
        ("fp32", step(slot_model(), lambda: features, "fp32")),
    ):
        yield compare(f"bf16 training step, beside {what}", plain, other, units=BATCH, rounds=3)
    yield from shares_of_the_peak(plain)


def shares_of_the_peak(plain: Work) -> Iterator[Pair]:
    """Floating-point operations a second beside a large matrix product's: of a step, and of its largest products."""
    left, right = torch.randn(2, PEAK_SIDE, PEAK_SIDE, device=DEVICE).bfloat16()
    for what, work in (
        ("bf16 training step, GFLOP, beside a large bf16 product", plain),
        ("the decoder's two middle layers alone, GFLOP, beside a large bf16 product", middle_layers()),
    ):
        flops = (gflop(work), gflop(lambda: left @ right))
        yield compare(what, work, lambda: left @ right, units=flops[0], other_units=flops[1])


def step(
    model: SlotModel, features: Callable[[], torch.Tensor], precision: Precision, *, compiled: bool = False
) -> Work:
    """One optimiser step, as `slotlight.training.loop` takes it."""
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-4, fused=True)
    loss = Reconstruction(model, precision, compiled=compiled)

    def run() -> None:
        optimiser.zero_grad()
        loss(features()).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return run


def middle_layers() -> Work:
    """Forward and backward of two layers 1024 × 1024 on every pair of slot and patch, with nothing around them."""
    rows = BATCH * 7 * GRID[0] * GRID[1]
    x = torch.randn(rows, 1024, device=DEVICE).bfloat16().requires_grad_()
    weights = [torch.randn(1024, 1024, device=DEVICE).bfloat16().requires_grad_() for _ in range(2)]
    gradient = torch.randn(rows, 1024, device=DEVICE).bfloat16()

    def run() -> None:
        out = F.linear(F.linear(x, weights[0]), weights[1])
        torch.autograd.grad(out, [x, *weights], gradient)

    return run


def gflop(work: Work) -> float:
    """Of all matrix products in a piece of work, backward passes too."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 1e9
