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
    size = (masks.shape[2] * config.refine_scale, masks.shape[3] * config.refine_scale)
    colours = F.adaptive_avg_pool2d(images, size)
    masks = F.interpolate(masks, size, mode="bilinear", align_corners=False)
    for spacing in config.refine_spacings:
        masks = _averaged(masks, colours, spacing, config)
    return masks


def _averaged(
    masks: Float[Tensor, "batch slot rows columns"],
    colours: Float[Tensor, "batch 3 rows columns"],
    spacing: int,
    config: HeuristicsConfig,
) -> Float[Tensor, "batch slot rows columns"]:
    """One pass; beyond the photograph's edge lies its last cell again."""
    rows, columns = masks.shape[2:]
    margin = config.refine_reach * spacing
    wide_masks, wide_colours = (F.pad(values, (margin,) * 4, mode="replicate") for values in (masks, colours))
    total, weights = torch.zeros_like(masks), torch.zeros_like(masks[:, :1])
    near, alike = 2 * config.refine_distance**2, 2 * config.refine_colour**2
    for down, right in product(range(-config.refine_reach, config.refine_reach + 1), repeat=2):
        shifted = (
            ...,
            slice(margin + down * spacing, margin + down * spacing + rows),
            slice(margin + right * spacing, margin + right * spacing + columns),
        )
        difference = (wide_colours[shifted] - colours).square().sum(dim=1, keepdim=True)
        weight = torch.exp(-difference / alike - (down**2 + right**2) / near)
        total.addcmul_(weight, wide_masks[shifted])
        weights += weight
    return total / weights
