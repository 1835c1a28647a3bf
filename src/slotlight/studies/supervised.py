"""An open question of the paper: how far unsupervised slots are from what labels reach on the same features."""

from slotlight.studies.declaration import DETECTOR, Arm, Contrast, Study
from slotlight.studies.methods import partition

SLOTS, CUT = "multi-query slots", "normalised cut"
LINEAR, MASK = "linear head (supervised)", "mask head (supervised)"
TORCHVISION = "R-CNN (supervised)"

SUPERVISED = Study(
    name="supervised",
    question="How far are slots from what learns with labels: how much is due to features, how much to labels?",
    claim="The paper leaves the distance to supervised discovery open.",
    arms=(
        Arm(SLOTS),
        Arm(CUT, partition),
        Arm(LINEAR, learner="linear"),
        Arm(MASK, learner="mask"),
        Arm(TORCHVISION, learner=DETECTOR),
    ),
    contrasts=(
        Contrast(LINEAR, SLOTS),
        Contrast(LINEAR, CUT),
        Contrast(MASK, LINEAR),
        Contrast(TORCHVISION, MASK),
    ),
)
