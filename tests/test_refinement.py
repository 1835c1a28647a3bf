import pytest
import torch

from slotlight.refinement import NEAR, REACH, SCALE, TONE, refine_masks


def plain(masks, images):
    """One fine cell and one patch at a time."""
    batch, slots, rows, columns = masks.shape
    height, width = (side // n for side, n in zip(images.shape[2:], (rows, columns), strict=True))
    colour = images.unfold(2, height, height).unfold(3, width, width).mean((4, 5))
    fine = images.unfold(2, height // SCALE, height // SCALE).unfold(3, width // SCALE, width // SCALE)
    fine = fine.mean((4, 5))
    out = torch.zeros(batch, slots, rows * SCALE, columns * SCALE)
    for b, y, x in torch.cartesian_prod(*(torch.arange(n) for n in (batch, *out.shape[2:]))).tolist():
        total = 0.0
        for dy, dx in torch.cartesian_prod(*[torch.arange(-REACH, REACH + 1)] * 2).tolist():
            row = min(max(y // SCALE + dy, 0), rows - 1)
            column = min(max(x // SCALE + dx, 0), columns - 1)
            away_y, away_x = (d - ((place % SCALE + 0.5) / SCALE - 0.5) for d, place in ((dy, y), (dx, x)))
            unlike = (fine[b, :, y, x] - colour[b, :, row, column]).square().sum()
            weight = torch.exp(-(away_y**2 + away_x**2) / (2 * NEAR**2) - unlike / (2 * TONE**2))
            out[b, :, y, x] += weight * masks[b, :, row, column]
            total += weight
        out[b, :, y, x] /= total
    return out


def test_equals_the_plain_version():
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(2, 3, 3, 4, generator=generator).softmax(1)
    images = 0.5 + 0.1 * torch.rand(2, 3, 24, 32, generator=generator)
    found = refine_masks(masks, images)
    torch.testing.assert_close(found, plain(masks, images))
    torch.testing.assert_close(found.sum(1), torch.ones(2, 12, 16))


@pytest.mark.parametrize("edge", [17, 20, 22])
def test_the_boundary_goes_where_the_colour_changes(edge):
    images = torch.zeros(1, 3, 40, 40)
    images[..., edge:] = 1.0
    left = torch.zeros(1, 1, 5, 5)
    left[..., :2], left[..., 2] = 1.0, (edge - 16) / 8  # the patch in the middle is of both
    masks = torch.cat([left, 1 - left], dim=1)
    found = refine_masks(masks, images)[0, 0, 10] > 0.5
    assert found.tolist() == [2 * cell < edge - 1 for cell in range(20)]


def test_without_colour_it_is_a_smooth_enlargement():
    masks = torch.rand(1, 2, 6, 6).softmax(1)
    found = refine_masks(masks, torch.full((1, 3, 48, 48), 0.3))
    assert found.amax() <= masks.amax()
    assert found.amin() >= masks.amin()
    torch.testing.assert_close(found, refine_masks(masks.flip(3), torch.full((1, 3, 48, 48), 0.3)).flip(3))
