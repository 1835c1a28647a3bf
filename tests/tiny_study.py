"""The smallest study that is still one, for tests and the scripts that they start."""

from dataclasses import replace
from pathlib import Path

import torch

from slotlight.datasets import SyntheticDataset
from slotlight.studies import STUDIES
from slotlight.studies.declaration import Arm, Contrast, Measure, Study
from slotlight.studies.heads import with_heads
from slotlight.studies.matching import fused
from slotlight.studies.options import StudyOptions
from slotlight.studies.result import StudyResult
from slotlight.studies.run import study
from tiny_training import TRAIN, tiny_model

SCENES = SyntheticDataset(count=2, height=64, width=64)
SHORT = replace(TRAIN, steps=4, checkpoint_every=2)

TINY = Study(
    name="tiny",
    question="Do several heads find more?",
    claim="The paper says so.",
    arms=(
        Arm("one head", with_heads(1)),
        Arm("three heads"),
        Arm("one of three heads", fused("single", "first")),
    ),
    contrasts=(Contrast("three heads", "one head", claim=1),),
    measures=(Measure("paper", "mBO"), Measure("paper", "CorLoc")),
    compares_spread=True,
    floors=("kmeans-features",),
)


def run_tiny(out: Path, weights: Path, photographs: list[Path], *, seeds: int = 3) -> StudyResult:
    """Answer the study on drawn scenes, with a ViT of random weights."""
    STUDIES["tiny"] = TINY
    try:
        return study(
            "tiny",
            photographs,
            SCENES,
            out=out,
            model=tiny_model(weights),
            training=SHORT,
            options=StudyOptions(seeds=seeds),
            device=torch.device("cpu"),
        )
    finally:
        del STUDIES["tiny"]
