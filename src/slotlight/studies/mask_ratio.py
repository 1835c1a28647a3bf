"""An open question of the paper: how much may be hidden."""

from slotlight.studies.declaration import Arm, Contrast, Study
from slotlight.studies.masking import NONE, masked

_RATIOS = (0.3, 0.5, 0.7, 0.85, 0.95)

MASK_RATIO = Study(
    name="mask-ratio",
    question="How much of a photograph may be hidden in training, and does it matter which part?",
    claim="The paper hides 0.7 and leaves open how much that choice matters.",
    arms=(
        Arm(NONE, masked("none")),
        *(Arm(f"background {ratio}", masked("background", ratio)) for ratio in _RATIOS),
        *(Arm(f"random {ratio}", masked("random", ratio)) for ratio in _RATIOS),
    ),
    contrasts=(
        Contrast("background 0.7", NONE, claim=1),
        *(Contrast("background 0.7", f"background {ratio}") for ratio in _RATIOS if ratio != 0.7),
        *(Contrast(f"background {ratio}", f"random {ratio}") for ratio in _RATIOS),
    ),
    quick=(NONE, "background 0.3", "background 0.7", "background 0.95", "random 0.7"),
)
