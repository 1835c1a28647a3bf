"""How much a photograph shows: nothing where it is blank, a plain gradient or noise; little in a page of text.

The foreground map is relative to its photograph, so on an even wall it turns the network's padding into a blob in the
middle. Colour itself says whether there is anything to find: cells of a few pixels must differ from a plane through
all of them, by more than the pixels inside a cell differ from one another, and somewhere by an edge.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import HeuristicsConfig

CELL_PIXELS = 8


def evidence(
    images: Float[Tensor, "batch 3 height width"], config: HeuristicsConfig
) -> Float[Tensor, " batch"]:
    """How much speaks for any object in an image, in [0, 1]; scores are multiplied by it.

    Contrast beyond a plain gradient, structure beyond noise, an edge between neighbouring cells: each counts nothing
    up to its minimum and fully from twice that; for edges, the minimum is half of that of contrast.

    Args:
        images: RGB in [0, 1].
        config: Its ``min_contrast`` and ``min_structure``; with 0 and 0 it is 1.

    Example:
        >>> noise = 0.5 + 0.1 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> square = torch.zeros(1, 3, 64, 64)
        >>> square[..., 16:40, 16:40] = 1
        >>> limits = HeuristicsConfig(min_contrast=0.08, min_structure=0.4)
        >>> evidence(torch.cat([torch.full_like(noise, 0.5), noise, square]), limits).tolist()
        [0.0, 0.0, 1.0]
    """
    if not (config.min_contrast or config.min_structure):
        return torch.ones(len(images), device=images.device)
    cell = min(CELL_PIXELS, *images.shape[2:])
    means = F.avg_pool2d(images, cell)
    variances = (F.avg_pool2d(images.square(), cell) - means.square()).clamp(min=0)
    residual = _without_plane(means)
    between = residual.std(dim=(2, 3), correction=0).amax(dim=1)
    within = variances.mean(dim=(1, 2, 3)).sqrt().clamp(min=1e-3)
    down, across = (means.diff(dim=axis, append=means.narrow(axis, -1, 1)) for axis in (2, 3))
    edge = torch.maximum(down.abs(), across.abs()).amax(dim=(1, 2, 3))
    contrast = residual.abs().amax(dim=(1, 2, 3))
    return (
        _share(contrast, config.min_contrast)
        * _share(between / within, config.min_structure)
        * _share(edge, config.min_contrast / 2)
    )


def _share(value: Float[Tensor, " batch"], least: float) -> Float[Tensor, " batch"]:
    """0 up to a minimum, 1 from twice that."""
    return (value / least - 1).clamp(0, 1) if least else torch.ones_like(value)


def _without_plane(
    means: Float[Tensor, "batch 3 rows columns"],
) -> Float[Tensor, "batch 3 rows columns"]:
    """What is left of each channel after its best plane, so that an empty sky is as even as a wall."""
    residual = means - means.mean(dim=(2, 3), keepdim=True)
    for axis in (2, 3):  # the directions of a regular grid are orthogonal: each is taken out by itself
        steps = torch.arange(means.shape[axis], device=means.device, dtype=means.dtype)
        steps = steps - steps.mean()
        direction = steps[:, None] if axis == 2 else steps
        along = (residual * direction).mean(dim=(2, 3), keepdim=True)
        residual = residual - along / steps.square().mean().clamp(min=1e-6) * direction
    return residual
