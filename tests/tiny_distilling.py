"""The smallest distilling that is still one."""

from dataclasses import replace
from pathlib import Path

import torch

import slotlight
from slotlight.config import DetectorConfig, DistilConfig
from slotlight.detector.distil import distil, teaching_rule
from slotlight.detector.pseudo_masks import PseudoMasks

DETECTOR = DetectorConfig(image_size=128, width=16, hidden=32, most=20)
TRAINING = DistilConfig(
    rounds=2, steps=4, batch_size=2, sizes=(96, 128), min_votes=0.05, sure_above=0.0, checkpoint_every=2
)


def distil_tiny(discs: list[PseudoMasks], out: Path, **changes: object) -> Path:
    """A detector from regions that voting finds."""
    config = replace(TRAINING, **changes)
    teacher = slotlight.load("voting", rule=teaching_rule(config, config.min_votes), device="cpu")
    files = [one.path for one in discs]
    return distil(files, out, teacher, DETECTOR, config, device=torch.device("cpu"))
