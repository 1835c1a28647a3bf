"""A name or a folder → a segmenter."""

from pathlib import Path

import slotlight
from slotlight.baselines.segmenters import FeatureSegmenter
from slotlight.evaluation.trainings import load_trainings


def test_a_method_reads_a_models_features(trainings: list[Path]) -> None:
    segmenter = slotlight.load(f"tokencut@{trainings[0]}", device="cpu").segmenter
    assert isinstance(segmenter, FeatureSegmenter)
    assert segmenter.backbone.fingerprint() == load_trainings(trainings[:1]).backbone.fingerprint()
