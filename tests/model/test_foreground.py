"""Figure and ground."""

import pytest
import torch

from slotlight.model.foreground import (
    BACKGROUND_BELOW,
    figure_map,
    merge_background,
    score_by_figure,
    with_figure,
)

GRID = (12, 16)


def scene(batch: int = 2) -> torch.Tensor:
    """Ground of two kinds, and in the middle something unlike both: (batch, patch, dim)."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randn(3, 8, generator=generator)
    image = torch.zeros(GRID, dtype=torch.int64)
    image[6:] = 1
    image[4:8, 6:11] = 2
    return (kinds[image] + 0.1 * torch.randn(batch, *GRID, 8, generator=generator)).flatten(1, 2)


def test_what_is_unlike_the_border_is_figure():
    figure = figure_map(scene(), GRID)
    torch.testing.assert_close(figure.mean(dim=(1, 2)), torch.ones(2))
    assert (figure[:, 5:7, 7:10] > 3).all()
    assert (figure[:, :2] < 0.5).all()
    assert (figure[:, -2:] < 0.5).all()


def test_an_image_does_not_depend_on_its_batch_nor_on_the_scale_of_its_features():
    features = scene(3)
    alone = figure_map(features[1:2], GRID)
    torch.testing.assert_close(figure_map(features, GRID)[1:2], alone)
    torch.testing.assert_close(figure_map(100 * features[1:2] + 7, GRID), alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("grid", [(1, 1), (1, 9), (2, 2), (5, 1), (3, 3)])
def test_small_grids_and_constant_images(grid):
    for features in (torch.rand(2, grid[0] * grid[1], 4), torch.zeros(2, grid[0] * grid[1], 4)):
        figure = figure_map(features, grid)
        assert figure.isfinite().all()
        torch.testing.assert_close(figure.mean(dim=(1, 2)), torch.ones(2))
        assert with_figure(features, figure, 2.0).isfinite().all()


def test_the_extra_feature_is_as_wide_as_asked():
    features = scene()
    seen = with_figure(features, figure_map(features, GRID), 3.0)
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
    figure = figure_map(scene(1), GRID)
    scores = score_by_figure(masks, figure, torch.ones(1, 4))[0]
    assert scores[0] == scores[2] == scores[3] == 0
    assert 0.5 < scores[1] < 1
    doubted = score_by_figure(masks, figure, torch.full((1, 4), 0.5))[0]
    torch.testing.assert_close(doubted, scores / 2)
    assert score_by_figure(masks, figure, torch.full((1, 4), -1.0)).max() == 0
    assert 0 < BACKGROUND_BELOW < 1  # an even photograph is all figure


def test_background_becomes_one_slot():
    masks = torch.rand(2, 3, 4, 4).softmax(dim=1)
    merged, scores = merge_background(masks, torch.tensor([[0.0, 0.4, 0.0], [0.1, 0.2, 0.3]]))
    assert torch.equal(merged[0, 3], masks[0, 0] + masks[0, 2])
    assert merged[0, 0].max() == merged[0, 2].max() == merged[1, 3].max() == 0
    torch.testing.assert_close(merged.sum(dim=1), torch.ones(2, 4, 4))
    assert scores.tolist()[0] == pytest.approx([0.0, 0.4, 0.0, 0.0])
