"""Boundaries finer than a patch: masks that follow the photograph's colours, without learning.

Joint bilateral upsampling (Kopf et al., 2007): a fine cell's mask is the average of the patches around it, each
weighted by how near it lies and by how much its mean colour is the cell's own.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

SCALE = 4  # fine cells along a side of a patch
REACH = 2  # patches around a cell's own, each way
NEAR = 1.0  # standard deviation of the distance, in patches
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
    rows, columns = masks.shape[2:]
    fine = F.adaptive_avg_pool2d(images, (rows * SCALE, columns * SCALE))
    cells = fine.unflatten(3, (columns, SCALE)).unflatten(2, (rows, SCALE))
    around = _around(F.adaptive_avg_pool2d(images, (rows, columns)))
    unlike = sum(
        (cells[:, c, None] - around[:, c, :, :, None, :, None]).square() for c in range(images.shape[1])
    )
    weights = (-unlike / (2 * TONE**2) + _log_nearness(images.device)).softmax(dim=1)
    mixed = torch.einsum("bknrc,bnricj->bkricj", _around(masks), weights)
    return mixed.flatten(4, 5).flatten(2, 3)


def _around(
    values: Float[Tensor, "batch channel rows columns"],
) -> Float[Tensor, "batch channel near rows columns"]:
    """The patches around each patch, itself among them; the photograph's edge is repeated."""
    padded = F.pad(values, (REACH,) * 4, mode="replicate")
    window = 2 * REACH + 1
    near = padded.unfold(2, window, 1).unfold(3, window, 1)  # batch channel rows columns window window
    return near.flatten(4).movedim(4, 2)


def _log_nearness(device: torch.device) -> Float[Tensor, "near 1 scale 1 scale"]:
    """Of the patches around a patch to each of its fine cells."""
    patch = torch.arange(-REACH, REACH + 1, device=device)
    cell = (torch.arange(SCALE, device=device) + 0.5) / SCALE - 0.5
    squared = (patch[:, None] - cell).square()
    distance = squared[:, None, :, None] + squared[None, :, None, :]
    return -(distance / (2 * NEAR**2)).flatten(0, 1)[:, None, :, None]
