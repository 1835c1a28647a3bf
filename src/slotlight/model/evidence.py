"""Photographs that show nothing: blank, plain gradients, noise. Nothing found in them is an object.

The foreground map is relative to its photograph, so on an even wall it turns the network's padding into a blob in the
middle. Colour itself says whether there is anything to find: cells of a few pixels must differ from a plane through
all of them, and by more than the pixels inside a cell differ from one another.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import HeuristicsConfig

CELL_PIXELS = 8


def shows_something(
    images: Float[Tensor, "batch 3 height width"], config: HeuristicsConfig
) -> Bool[Tensor, " batch"]:
    """Whether an image has contrast beyond a plain gradient, and structure beyond noise.

    Args:
        images: RGB in [0, 1].
        config: Its ``min_contrast`` and ``min_structure``; 0 and 0 find something in every image.

    Example:
        >>> noise = 0.5 + 0.1 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> square = torch.zeros(1, 3, 64, 64)
        >>> square[..., 16:40, 16:40] = 1
        >>> limits = HeuristicsConfig(min_contrast=0.08, min_structure=0.4)
        >>> shows_something(torch.cat([torch.full_like(noise, 0.5), noise, square]), limits).tolist()
        [False, False, True]
    """
    if not (config.min_contrast or config.min_structure):
        return torch.ones(len(images), dtype=torch.bool, device=images.device)
    cell = min(CELL_PIXELS, *images.shape[2:])
    means = F.avg_pool2d(images, cell)
    variances = (F.avg_pool2d(images.square(), cell) - means.square()).clamp(min=0)
    residual = _without_plane(means)
    between = residual.std(dim=(2, 3), correction=0).amax(dim=1)
    within = variances.mean(dim=(1, 2, 3)).sqrt().clamp(min=1e-3)
    has_contrast = residual.abs().amax(dim=(1, 2, 3)) >= config.min_contrast
    return has_contrast & (between / within >= config.min_structure)


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
