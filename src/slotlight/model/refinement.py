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

SCALE = 4  # fine cells along a side of a patch
APART = (8, 4, 2, 1)  # fine cells from one that is averaged to the next, pass after pass
REACH = 2  # so many are averaged each way
NEAR = 2.0  # standard deviation of the distance, in steps from one to the next
TONE = 0.06  # standard deviation of the colour, RGB in [0, 1]


def refine_masks(
    masks: Float[Tensor, "batch slot rows columns"], images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch slot fine_rows fine_columns"]:
    """Bring slot masks to a grid four times as fine, along the image's colours.

    Where masks sum to one over slots they still do.

    Args:
        masks: On the patch grid.
        images: RGB in [0, 1], of which the masks are.

    Example:
        >>> refine_masks(torch.rand(2, 3, 7, 5), torch.rand(2, 3, 56, 40)).shape
        torch.Size([2, 3, 28, 20])
    """
    size = (masks.shape[2] * SCALE, masks.shape[3] * SCALE)
    colours = F.adaptive_avg_pool2d(images, size)
    masks = F.interpolate(masks, size, mode="bilinear", align_corners=False)
    for apart in APART:
        masks = _averaged(masks, colours, apart)
    return masks


def _averaged(
    masks: Float[Tensor, "batch slot rows columns"],
    colours: Float[Tensor, "batch 3 rows columns"],
    apart: int,
) -> Float[Tensor, "batch slot rows columns"]:
    """One pass; beyond the photograph's edge lies its last cell again."""
    rows, columns = masks.shape[2:]
    margin = REACH * apart
    wide_masks, wide_colours = (F.pad(values, (margin,) * 4, mode="replicate") for values in (masks, colours))
    total, weights = torch.zeros_like(masks), torch.zeros_like(masks[:, :1])
    for down, right in product(range(-REACH, REACH + 1), repeat=2):
        here = (
            ...,
            slice(margin + down * apart, margin + down * apart + rows),
            slice(margin + right * apart, margin + right * apart + columns),
        )
        unlike = (wide_colours[here] - colours).square().sum(dim=1, keepdim=True)
        weight = torch.exp(-unlike / (2 * TONE**2) - (down**2 + right**2) / (2 * NEAR**2))
        total.addcmul_(weight, wide_masks[here])
        weights += weight
    return total / weights
