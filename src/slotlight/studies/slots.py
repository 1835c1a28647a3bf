"""When the method has to break: fewer slots than objects, or many more."""

from dataclasses import replace

from slotlight.config import ModelConfig
from slotlight.studies.declaration import Arm, Change, Contrast, Study

_COUNTS = (3, 5, 7, 9, 12)


def with_slots(count: int) -> Change:
    """So many slots in each head."""

    def change(model: ModelConfig) -> ModelConfig:
        return replace(model, slots=replace(model.slots, slots=count))

    return change


SLOTS = Study(
    name="slots",
    question="How many slots does a photograph need?",
    claim="The paper uses 7, more than most photographs have objects.",
    arms=tuple(Arm(f"{count} slots", with_slots(count)) for count in _COUNTS),
    contrasts=tuple(Contrast("7 slots", f"{count} slots") for count in _COUNTS if count != 7),
    quick=("3 slots", "7 slots", "12 slots"),
)
