"""Boundaries finer than a patch: masks that follow the photograph's colours, without learning.

The edge-avoiding à-trous filter (Dammertz et al., 2010): the masks are enlarged, then every fine cell becomes the
average of cells around it, each weighted by how near it lies and by how much its colour is the cell's own. The cells
lie far apart in the first pass and nearer in each one after it: a long reach at the cost of a small window.
"""

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import HeuristicsConfig
from slotlight.tensors import is_exporting


def refine_masks(
    masks: Float[Tensor, "batch slot rows columns"],
    images: Float[Tensor, "batch 3 height width"],
    config: HeuristicsConfig,
) -> Float[Tensor, "batch slot fine_rows fine_columns"]:
    """Bring slot masks to a finer grid, along the image's colours.

    Where masks sum to one over slots they still do.

    Args:
        masks: On the patch grid.
        images: RGB in [0, 1], of which the masks are.
        config: Its ``refine_scale``, ``refine_spacings``, ``refine_reach``, ``refine_distance``, ``refine_colour``.

    Example:
        >>> refine_masks(torch.rand(2, 3, 7, 5), torch.rand(2, 3, 56, 40), HeuristicsConfig()).shape
        torch.Size([2, 3, 28, 20])
    """
    if is_exporting() or masks.device.type != "cpu":
        return _refined(masks, images, config)
    # One photograph at a time stays in a processor's cache; slots that cover nothing of it need no average.
    fine = [side * config.refine_scale for side in masks.shape[2:]]
    refined = masks.new_zeros(*masks.shape[:2], *fine)
    for place, covers in enumerate(masks.amax(dim=(2, 3)) > 0):
        found = _refined(masks[place, covers].unsqueeze(0), images[place].unsqueeze(0), config)
        refined[place, covers] = found[0]
    return refined


def _refined(
    masks: Float[Tensor, "batch slot rows columns"],
    images: Float[Tensor, "batch 3 height width"],
    config: HeuristicsConfig,
) -> Float[Tensor, "batch slot fine_rows fine_columns"]:
    rows, columns = masks.shape[2:]
    size = (rows * config.refine_scale, columns * config.refine_scale)
    if (
        is_exporting()
    ):  # a graph wants few operations, and sizes that may be unknown, rather than little memory
        average, colours = _averaged_at_once, _pooled(images, images.shape[2] // rows, config.refine_scale)
    else:
        average, colours = _averaged, F.adaptive_avg_pool2d(images, size)
    masks = F.interpolate(masks, size, mode="bilinear", align_corners=False)
    for spacing in config.refine_spacings:
        masks = average(masks, colours, spacing, config)
    return masks


def _averaged(
    masks: Float[Tensor, "batch slot rows columns"],
    colours: Float[Tensor, "batch 3 rows columns"],
    spacing: int,
    config: HeuristicsConfig,
) -> Float[Tensor, "batch slot rows columns"]:
    """One pass; beyond the photograph's edge lies its last cell again.

    Two cells weigh the same in each other's average, so a weight is computed once and used in both.
    """
    rows, columns = masks.shape[2:]
    margin, reach = config.refine_reach * spacing, config.refine_reach
    wide_masks, wide_colours = (F.pad(values, (margin,) * 4, mode="replicate") for values in (masks, colours))
    total, weights = masks.clone(), torch.ones_like(masks[:, :1])  # a cell's own weight is 1
    near, alike = 2 * config.refine_distance**2, 2 * config.refine_colour**2
    for down, right in product(range(reach + 1), range(-reach, reach + 1)):
        if (down, right) <= (0, 0):  # the cell itself, or the other half
            continue
        y, x = down * spacing, right * spacing
        # Pairs whose first cell, or whose second, lies in the photograph.
        top, left = -y, min(0, -x)
        height, width = rows + y, columns + abs(x)
        first = _window(wide_colours, margin + top, margin + left, height, width)
        second = _window(wide_colours, margin + top + y, margin + left + x, height, width)
        difference = (first - second).square_().sum(dim=1, keepdim=True)
        pairs = difference.div_(-alike).sub_((down**2 + right**2) / near).exp_()
        for sign, row, column in ((1, 0, 0), (-1, -y, -x)):
            weight = _window(pairs, row - top, column - left, rows, columns)
            total.addcmul_(weight, _window(wide_masks, margin + sign * y, margin + sign * x, rows, columns))
            weights += weight
    return total / weights


def _window(values: Tensor, top: int, left: int, rows: int, columns: int) -> Tensor:
    return values[..., top : top + rows, left : left + columns]


def _pooled(
    images: Float[Tensor, "batch 3 height width"], patch: int, scale: int
) -> Float[Tensor, "batch 3 fine_rows fine_columns"]:
    """What adaptive pooling gives, as one convolution: its cells never leave their patch."""
    cell, pixel = torch.arange(scale).unsqueeze(1), torch.arange(patch)
    inside = ((pixel >= cell * patch // scale) & (pixel < -(-(cell + 1) * patch // scale))).float()
    means = inside / inside.sum(dim=1, keepdim=True)
    kernel = (means[:, None, :, None] * means[None, :, None, :]).flatten(0, 1).unsqueeze(1)
    cells = F.conv2d(images.flatten(0, 1).unsqueeze(1), kernel, stride=patch)
    pooled: Tensor = F.pixel_shuffle(cells, scale).squeeze(1).unflatten(0, (-1, 3))
    return pooled


def _averaged_at_once(
    masks: Float[Tensor, "batch slot rows columns"],
    colours: Float[Tensor, "batch 3 rows columns"],
    spacing: int,
    config: HeuristicsConfig,
) -> Float[Tensor, "batch slot rows columns"]:
    """One pass, every cell's neighbours laid side by side by a convolution with one of them in each of its kernels."""
    side = 2 * config.refine_reach + 1
    kernels = torch.eye(side * side).view(-1, 1, side, side)
    margin = config.refine_reach * spacing

    def around(values: Tensor) -> Tensor:
        wide = F.pad(values, (margin,) * 4, mode="replicate").flatten(0, 1).unsqueeze(1)
        found: Tensor = F.conv2d(wide, kernels, dilation=spacing).unflatten(0, values.shape[:2])
        return found

    step = torch.arange(side) - config.refine_reach
    far = (step.unsqueeze(1).square() + step.square()).flatten() / (2 * config.refine_distance**2)
    difference = (around(colours) - colours.unsqueeze(2)).square().sum(dim=1)
    weights = torch.exp(-difference / (2 * config.refine_colour**2) - far.view(-1, 1, 1))
    return (weights.unsqueeze(1) * around(masks)).sum(dim=2) / weights.sum(dim=1, keepdim=True)
