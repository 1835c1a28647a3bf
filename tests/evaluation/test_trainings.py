"""Several trainings of one model as one row."""

from pathlib import Path

import pytest
import torch

import slotlight
from slotlight.errors import ConfigError
from slotlight.evaluation.trainings import load_trainings


def test_each_seed_is_a_training(trainings: list[Path]) -> None:
    row = load_trainings(trainings[:3])
    assert row.name == "mine"
    assert [control.name for control in row.controls()] == ["mine-kmeans", "mine-spectral", "mine-untrained"]
    image = torch.rand(1, 3, 64, 64)
    found = [row.segment(image, seed=seed).masks for seed in range(3)]
    for seed, folder in enumerate(trainings[:3]):
        assert torch.equal(
            found[seed], slotlight.load(folder, device="cpu").segmenter.segment(image, seed=seed).masks
        )
    assert not torch.equal(found[0], found[1])


def test_other_settings_are_another_model(trainings: list[Path]) -> None:
    with pytest.raises(ConfigError, match="not of the same model: they differ in their settings"):
        load_trainings(trainings)
