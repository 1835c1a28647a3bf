"""The floor that cuts the graph of patches."""

import torch

from slotlight.backbones import Features
from slotlight.baselines.spectral import spectral_features


def test_segments_are_the_kinds_of_patches() -> None:
    kinds = torch.eye(7)[torch.arange(7).repeat_interleave(10)]
    found = spectral_features(Features(kinds[None], (7, 10)))
    assert found.masks.shape == (1, 7, 7, 10)
    rows = found.masks.argmax(dim=1)[0]
    assert (rows == rows[:, :1]).all()
    assert rows[:, 0].unique().numel() == 7
    assert found.scores.shape == (1, 7)
