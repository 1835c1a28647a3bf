import pytest
import torch

from slotlight.config import HeuristicsConfig
from slotlight.model import refinement
from slotlight.model.refinement import refine_masks

CONFIG = HeuristicsConfig()
SCALE, REACH = CONFIG.refine_scale, CONFIG.refine_reach
NEAR, TONE = CONFIG.refine_distance, CONFIG.refine_colour


def plain(masks, images):
    """One fine cell at a time."""
    rows, columns = (side * SCALE for side in masks.shape[2:])
    height, width = (side // n for side, n in zip(images.shape[2:], (rows, columns), strict=True))
    colours = images.unfold(2, height, height).unfold(3, width, width).mean((4, 5))
    masks = torch.nn.functional.interpolate(masks, (rows, columns), mode="bilinear")
    for apart in CONFIG.refine_spacings:
        before, masks = masks, torch.zeros_like(masks)
        for b, y, x in torch.cartesian_prod(*map(torch.arange, (len(masks), rows, columns))).tolist():
            total = 0.0
            for down, right in torch.cartesian_prod(*[torch.arange(-REACH, REACH + 1)] * 2).tolist():
                row, column = (
                    min(max(y + down * apart, 0), rows - 1),
                    min(max(x + right * apart, 0), columns - 1),
                )
                unlike = (colours[b, :, y, x] - colours[b, :, row, column]).square().sum()
                weight = torch.exp(-(down**2 + right**2) / (2 * NEAR**2) - unlike / (2 * TONE**2))
                masks[b, :, y, x] += weight * before[b, :, row, column]
                total += weight
            masks[b, :, y, x] /= total
    return masks


def test_equals_the_plain_version():
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(2, 3, 2, 3, generator=generator).softmax(1)
    images = 0.5 + 0.1 * torch.rand(2, 3, 16, 24, generator=generator)
    found = refine_masks(masks, images, CONFIG)
    torch.testing.assert_close(found, plain(masks, images))
    torch.testing.assert_close(found.sum(1), torch.ones(2, 8, 12))


@pytest.mark.parametrize("edge", [17, 20, 22])
def test_the_boundary_goes_where_the_colour_changes(edge):
    images = torch.zeros(1, 3, 40, 40)
    images[..., edge:] = 1.0
    left = torch.zeros(1, 1, 5, 5)
    left[..., :2], left[..., 2] = 1.0, (edge - 16) / 8  # the patch in the middle is of both
    masks = torch.cat([left, 1 - left], dim=1)
    found = refine_masks(masks, images, CONFIG)[0, 0, 10] > 0.5
    assert found.tolist() == [2 * cell < edge - 1 for cell in range(20)]


def test_without_colour_it_is_a_smooth_enlargement():
    masks = torch.rand(1, 2, 6, 6).softmax(1)
    found = refine_masks(masks, torch.full((1, 3, 48, 48), 0.3), CONFIG)
    assert found.amax() <= masks.amax()
    assert found.amin() >= masks.amin()
    torch.testing.assert_close(
        found, refine_masks(masks.flip(3), torch.full((1, 3, 48, 48), 0.3), CONFIG).flip(3)
    )


@pytest.mark.parametrize(("patch", "grid"), [(8, (5, 7)), (14, (3, 4)), (16, (2, 3))])
def test_what_graphs_compute_is_the_same(
    patch: int, grid: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = torch.rand(2, 3, *grid).softmax(dim=1)
    images = torch.rand(2, 3, grid[0] * patch, grid[1] * patch)
    expected = refine_masks(masks, images, CONFIG)
    monkeypatch.setattr(refinement, "is_exporting", lambda: True)
    torch.testing.assert_close(refine_masks(masks, images, CONFIG), expected, rtol=0, atol=2e-6)
