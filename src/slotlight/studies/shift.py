"""An open question of the paper: what falls when photographs are unlike those of the training, and by how much."""

from slotlight.studies.declaration import Arm, Contrast, Shift, Study

_KINDS = ("noise", "blur", "jpeg", "contrast", "dark", "fog", "pixels")
_STYLES = ("grey", "posterised", "edges")
_SEVERITIES = (1, 2, 3, 4, 5)

SHIFT = Study(
    name="shift",
    question="What is lost on photographs that are unlike those of the training?",
    claim="The paper leaves domain shift open.",
    arms=(
        Arm("clean"),
        *(Arm(f"{kind} {level}", shift=Shift(kind, level)) for kind in _KINDS for level in _SEVERITIES),
        *(Arm(style, shift=Shift(style, 5)) for style in _STYLES),
    ),
    contrasts=(
        *(Contrast(f"{kind} {level}", "clean") for kind in _KINDS for level in (3, 5)),
        *(Contrast(style, "clean") for style in _STYLES),
    ),
    quick=("clean", "noise 3", "blur 3", "jpeg 3", "contrast 3", "fog 3", "grey"),
    floors=("kmeans-features", "tokencut"),
    takes_domains=True,
)
