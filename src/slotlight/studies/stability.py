"""How much of a result is luck: of the training, or of what a trained model draws."""

from slotlight.studies.declaration import Arm, Contrast, Study
from slotlight.studies.heads import with_heads

STABILITY = Study(
    name="stability",
    question="How much does a result change when the same model is trained again, or draws again?",
    claim="With several heads the results vary less over seeds than with one.",
    arms=(Arm("the model"), Arm("one head of its kind", with_heads(1))),
    contrasts=(Contrast("the model", "one head of its kind", claim=1),),
    compares_spread=True,
    draws=5,
)
