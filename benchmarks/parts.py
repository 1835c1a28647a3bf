"""Slot attention, fusion and the decoder beside plain versions of themselves."""

from collections.abc import Iterator

import torch

from benchmarks import plain
from benchmarks.subjects import DEVICE, DIM, GRID, slot_model
from benchmarks.timing import Pair, compare
from slotlight.model.assignment import assign_heads
from slotlight.model.decoders import MLPDecoder
from slotlight.model.fusion import fuse
from slotlight.model.slot_attention import MultiQuerySlotAttention

BATCHES = 16  # fused in a run: a single one, of a millisecond, would time how threads wake up


def run() -> Iterator[Pair]:
    torch.manual_seed(0)
    batches = torch.randn(BATCHES, 8, 64, 7, DIM, device=DEVICE)
    yield compare(
        "exact fusion to one reference head, B 64 K 7 H 8, beside SciPy in a loop",
        lambda: [fuse(slots, reference=0) for slots in batches],
        lambda: [plain.fuse(slots) for slots in batches],
        units=BATCHES * 64,
    )
    yield compare(
        "exact fusion with the most agreeing reference, beside SciPy in a loop to one reference",
        lambda: [fuse(slots) for slots in batches],
        lambda: [plain.fuse(slots) for slots in batches],
        units=BATCHES * 64,
    )
    yield compare(
        "comparing and averaging alone, slot by slot, no matching, beside that same loop",
        lambda: [fuse(slots, "mean", reference=0) for slots in batches],
        lambda: [plain.fuse(slots) for slots in batches],
        units=BATCHES * 64,
    )
    features = torch.randn(32, GRID[0] * GRID[1], DIM, device=DEVICE)
    eight, one = (MultiQuerySlotAttention(DIM, heads=heads).to(DEVICE) for heads in (8, 1))
    yield compare(
        "slot attention, training, 8 heads, images shared out, beside 1 head",
        lambda: attend(eight, features),
        lambda: attend(one, features),
        units=len(features),
    )
    decoder, few = slot_model().decoder, torch.randn(4, 7, DIM, device=DEVICE)
    assert isinstance(decoder, MLPDecoder)
    with torch.inference_mode():
        yield compare(
            "decoder, beside every layer on every pair",
            lambda: decoder(few, GRID),
            lambda: plain.decode(decoder, few),
            units=len(few),
        )


def attend(attention: MultiQuerySlotAttention, features: torch.Tensor) -> None:
    """Forward and backward, each image assigned to one head."""
    assigned = assign_heads(len(features), attention.heads, features.device)
    noise = torch.randn(*assigned.table.shape, attention.slots, DIM, device=features.device)
    attention(features[assigned.table], noise).slots.sum().backward()
    attention.zero_grad()
