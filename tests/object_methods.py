"""Scenes of features whose objects are known, and what every method that finds an object in a graph promises."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from slotlight.backbones import Features
from slotlight.segmenter import SlotMasks

GRID = (12, 15)


def scene(*boxes: tuple[int, int, int, int], seed: int = 0, noise: float = 0.1) -> tuple[Features, Tensor]:
    """Features of one image whose objects (top, left, bottom, right) each point their own way, and their map."""
    generator = torch.Generator().manual_seed(seed)
    ways = torch.linalg.qr(torch.randn(16, 16, generator=generator)).Q
    labels = torch.zeros(GRID, dtype=torch.long)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    ways[1:] -= 0.2 * ways[0]  # objects are unlike the background, as keys are
    patches = ways[labels.flatten()] + noise * torch.randn(labels.numel(), 16, generator=generator)
    return Features(patches[None], GRID), labels


class MethodOnAGraph:
    """A method's promises, as tests: a subclass names the method."""

    method: Callable[[Features], SlotMasks]

    @pytest.mark.parametrize("box", [(3, 4, 9, 10), (1, 1, 5, 4), (2, 8, 11, 14)])
    def test_one_object_is_found(self, box: tuple[int, int, int, int]) -> None:
        features, labels = scene(box)
        found = self.method(features)
        best = found.scores[0].argmax()
        wrong = found.masks[0, best].bool() != (labels > 0)
        assert wrong.sum() <= 1
        assert found.scores[0, best] > 0.9
        assert found.scores[0, -1] == 0

    def test_masks_are_of_one_slot_each_and_do_not_depend_on_the_batch(self) -> None:
        scenes = [scene((3, 4, 9, 10), seed=0), scene((1, 1, 4, 4), (6, 6, 11, 12), seed=1, noise=0.3)]
        together = self.method(Features(torch.cat([features.patches for features, _ in scenes]), GRID))
        assert (together.masks.sum(1) == 1).all()
        for i, (features, _) in enumerate(scenes):
            alone = self.method(features)
            assert torch.equal(alone.masks[0], together.masks[i])
            torch.testing.assert_close(alone.scores[0], together.scores[i])

    @pytest.mark.parametrize("grid", [(1, 1), (1, 2), (3, 1), (4, 4)])
    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_features_that_are_all_alike_hold_no_object(self, grid: tuple[int, int], value: float) -> None:
        found = self.method(Features(torch.full((2, grid[0] * grid[1], 8), value), grid))
        assert found.masks.isfinite().all()
        assert (found.scores == 0).all()


class MethodOfOneObject(MethodOnAGraph):
    """Those of a method that finds one object."""

    def test_of_two_alike_objects_only_one_piece_is_taken(self) -> None:
        features, labels = scene((2, 2, 6, 6), (8, 9, 11, 13))
        alike = torch.where(labels.flatten() == 2, 1, labels.flatten())
        patches = features.patches.clone()
        patches[0, labels.flatten() == 2] = patches[0, labels.flatten() == 1][:12]
        mask = self.method(Features(patches, GRID)).masks[0, 0].bool()
        assert mask.any()
        assert alike[mask.flatten()].unique().tolist() == [1]
        assert labels[mask].unique().numel() == 1
