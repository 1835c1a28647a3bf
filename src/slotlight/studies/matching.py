"""Table III of the paper: how the heads' slots become one set. One training, read in several ways."""

from dataclasses import replace
from typing import get_args

from slotlight.config import FusionKind, Reference
from slotlight.studies.declaration import Arm, Change, Contrast, Study


def fused(kind: FusionKind, reference: Reference) -> Change:
    """The heads' slots merged in one way, in the order of one head."""
    return lambda model: replace(model, fusion=kind, reference=reference)


def _arms() -> tuple[Arm, ...]:
    matched: tuple[FusionKind, ...] = ("hungarian", "greedy")
    references: tuple[Reference, ...] = get_args(Reference)
    return (
        *(
            Arm(f"{kind}, {reference} reference", fused(kind, reference))
            for kind in matched
            for reference in references
        ),
        Arm("mean without matching", fused("mean", "first")),
        Arm("single, first head", fused("single", "first")),
        Arm("single, drawn head", fused("single", "drawn")),
    )


_PAPER = "hungarian, drawn reference"

MATCHING = Study(
    name="matching",
    question="Does it matter how the heads' slots are matched, and to which head?",
    claim="Hungarian matching to a head drawn at random beats greedy matching (Table III).",
    arms=_arms(),
    contrasts=(
        Contrast(_PAPER, "greedy, drawn reference", claim=1),
        Contrast(_PAPER, "mean without matching", claim=1),
        Contrast(_PAPER, "single, drawn head", claim=1),
        Contrast("hungarian, agreed reference", _PAPER),
        Contrast("hungarian, agreed reference", "greedy, agreed reference"),
    ),
)
