"""Table I of the paper: which patches the slots may not see in training."""

from dataclasses import replace

from slotlight.config import MaskKind, ModelConfig
from slotlight.studies.declaration import Arm, Change, Contrast, Study


def masked(kind: MaskKind, ratio: float | None = None) -> Change:
    """Hide patches of this kind; without a ratio, the base model's share of them."""

    def change(model: ModelConfig) -> ModelConfig:
        share = model.masking.ratio if ratio is None else ratio
        return replace(model, masking=replace(model.masking, kind=kind, ratio=share))

    return change


NONE, RANDOM, BACKGROUND = "no masking", "random masking", "background masking"
ARMS = (
    Arm(NONE, masked("none")),
    Arm(RANDOM, masked("random")),
    Arm(BACKGROUND, masked("background")),
)

MASKING = Study(
    name="masking",
    question="Does it help to hide likely background from the slots in training?",
    claim="Background masking beats random masking and none (Table I).",
    arms=ARMS,
    contrasts=(
        Contrast(BACKGROUND, NONE, claim=1),
        Contrast(BACKGROUND, RANDOM, claim=1),
        Contrast(RANDOM, NONE),
    ),
)
