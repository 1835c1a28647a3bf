"""The foreground map, scores from it, and the background as one."""

import pytest
import torch

from slotlight.config import HeuristicsConfig
from slotlight.model.foreground import (
    MIN_AGREEMENT,
    foreground_map,
    merge_background,
    score_by_foreground,
    with_foreground,
)

GRID = (12, 16)
CONFIG = HeuristicsConfig()
BELOW = CONFIG.background_below


def scene(batch: int = 2) -> torch.Tensor:
    """Ground of two kinds, and in the middle something unlike both: (batch, patch, dim)."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randn(3, 8, generator=generator)
    image = torch.zeros(GRID, dtype=torch.int64)
    image[6:] = 1
    image[4:8, 6:11] = 2
    return (kinds[image] + 0.1 * torch.randn(batch, *GRID, 8, generator=generator)).flatten(1, 2)


def test_what_differs_from_the_border_is_foreground():
    foreground = foreground_map(scene(), GRID, CONFIG)
    torch.testing.assert_close(foreground.mean(dim=(1, 2)), torch.ones(2))
    assert (foreground[:, 5:7, 7:10] > 3).all()
    assert (foreground[:, :2] < 0.5).all()
    assert (foreground[:, -2:] < 0.5).all()


def test_an_image_does_not_depend_on_its_batch_nor_on_the_scale_of_its_features():
    features = scene(3)
    alone = foreground_map(features[1:2], GRID, CONFIG)
    torch.testing.assert_close(foreground_map(features, GRID, CONFIG)[1:2], alone)
    torch.testing.assert_close(
        foreground_map(100 * features[1:2] + 7, GRID, CONFIG), alone, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("grid", [(1, 1), (1, 9), (2, 2), (5, 1), (3, 3)])
def test_small_grids_and_constant_images(grid):
    for features in (torch.rand(2, grid[0] * grid[1], 4), torch.zeros(2, grid[0] * grid[1], 4)):
        foreground = foreground_map(features, grid, CONFIG)
        assert foreground.isfinite().all()
        torch.testing.assert_close(foreground.mean(dim=(1, 2)), torch.ones(2))
        assert with_foreground(features, foreground, 2.0).isfinite().all()


def test_the_extra_feature_is_as_wide_as_asked():
    features = scene()
    seen = with_foreground(features, foreground_map(features, GRID, CONFIG), 3.0)
    assert torch.equal(seen[..., :-1], features)
    torch.testing.assert_close(
        seen[..., -1].std(dim=1, correction=0),
        3 * features.std(dim=(1, 2), correction=0),
        atol=1e-3,
        rtol=1e-3,
    )


def test_scores():
    masks = torch.zeros(1, 4, *GRID)
    masks[0, 0], masks[0, 0, 4:8, 6:11] = 1, 0
    masks[0, 1, 4:8, 6:11] = 1  # the object; slots 2 and 3 win nothing
    foreground = foreground_map(scene(1), GRID, CONFIG)
    scores = score_by_foreground(masks, foreground, torch.ones(1, 4), BELOW)[0]
    assert scores[0] == scores[2] == scores[3] == 0
    assert 0.5 < scores[1] < 1
    doubted = score_by_foreground(masks, foreground, torch.full((1, 4), 0.5), BELOW)[0]
    torch.testing.assert_close(doubted, scores / 2)
    disagreed = score_by_foreground(masks, foreground, torch.full((1, 4), -1.0), BELOW)[0]
    torch.testing.assert_close(disagreed, MIN_AGREEMENT * scores)  # unsure, but no background


def test_background_becomes_one_slot():
    masks = torch.rand(2, 3, 4, 4).softmax(dim=1)
    merged, scores = merge_background(masks, torch.tensor([[0.0, 0.4, 0.0], [0.1, 0.2, 0.3]]))
    assert torch.equal(merged[0, 3] > merged[0, 1], torch.maximum(masks[0, 0], masks[0, 2]) > masks[0, 1])
    assert merged[0, 0].max() == merged[0, 2].max() == merged[1, 3].max() == 0
    torch.testing.assert_close(merged.sum(dim=1), torch.ones(2, 4, 4))
    assert scores.tolist()[0] == pytest.approx([0.0, 0.4, 0.0, 0.0])


def test_slots_that_win_nothing_take_no_patch_from_an_object():
    masks = torch.full((1, 7, 8, 8), 0.12)
    masks[0, 0, :, :2], masks[0, 1, :, 2:] = 0.28, 0.28  # the object wins 16 patches, one background slot 48
    scores = torch.tensor([[0.63, 0, 0, 0, 0, 0, 0]])
    merged, _ = merge_background(masks, scores)
    assert merged.argmax(dim=1).flatten().bincount(minlength=8).tolist() == [16, 0, 0, 0, 0, 0, 0, 48]
