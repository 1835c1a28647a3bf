"""Table IV of the paper: how many independent sets of slots."""

from dataclasses import replace

from slotlight.config import ModelConfig
from slotlight.studies.declaration import Arm, Change, Contrast, Study

_COUNTS = (1, 2, 4, 8, 16)


def with_heads(count: int) -> Change:
    """So many heads."""

    def change(model: ModelConfig) -> ModelConfig:
        return replace(model, slots=replace(model.slots, heads=count))

    return change


def _name(count: int) -> str:
    return f"{count} head{'s' if count > 1 else ''}"


HEADS = Study(
    name="heads",
    question="Do more heads find more, and do their results vary less between trainings?",
    claim="From 1 to 8 heads the results rise and their spread over seeds falls (Table IV).",
    arms=tuple(Arm(_name(count), with_heads(count)) for count in _COUNTS),
    contrasts=(
        Contrast("8 heads", "1 head", claim=1),
        *(Contrast(_name(count), "1 head", claim=1) for count in (2, 4)),
        Contrast("16 heads", "8 heads"),
    ),
    compares_spread=True,
    quick=("1 head", "2 heads", "4 heads", "8 heads"),
)
