"""Resizing as products with matrices: the same numbers as `slotlight.images.resize`, in any runtime.

Runtimes have antialiased bicubic filters of their own, which differ by a level or two in 255. A graph must read the
photograph as torch does, so the weights that torch computes stand here as tensors. Torch resizes bytes with weights in
whole numbers of 16 bits; their products are sums below 2²⁴ if each weight is split in two, which fp32 holds exactly.
"""

import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

_MOST_BITS = 22
_LOW = 256.0


def resize_exactly(
    image: UInt8[Tensor, "height width 3"], rows: int, columns: int
) -> Float[Tensor, "3 rows columns"]:
    """Levels in whole numbers of 0 to 255, equal to those of `slotlight.images.resize`.

    Exact for sides up to 32,768 pixels, where a sum no longer fits; beyond, to a level.

    Example:
        >>> image = torch.arange(5 * 9 * 3, dtype=torch.uint8).view(5, 9, 3)
        >>> resize_exactly(image, 5, 9).permute(1, 2, 0).equal(image.float())
        True
    """
    height, width, _ = image.shape
    planes = image.permute(2, 0, 1).float()
    across = _filtered(planes, bicubic_weights(width, columns))
    return _filtered(across.mT, bicubic_weights(height, rows)).mT


def bicubic_weights(old: int, new: int) -> Float64[Tensor, "new old"]:
    """How much each old cell gives to each new one: the antialiased bicubic filter of Pillow and torch.

    Source: `torch.nn.functional.interpolate` with ``mode="bicubic", antialias=True``; Keys, 1981, with a = -1/2.

    Example:
        >>> bicubic_weights(4, 2).sum(dim=1)
        tensor([1., 1.], dtype=torch.float64)
    """
    step = _number(old) / _number(new)
    stretch = step.clamp(min=1.0)
    centre = (step * (torch.arange(new, dtype=torch.float64) + 0.5)).unsqueeze(1)
    cell = torch.arange(old, dtype=torch.float64)
    first = (centre - 2 * stretch + 0.5).clamp(min=0.0).floor()
    past = (centre + 2 * stretch + 0.5).floor()
    far = ((cell - centre + 0.5) * (1 / stretch)).abs()
    inner, outer = (1.5 * far - 2.5) * far * far + 1, (((far - 5) * far + 8) * far - 4) * -0.5
    weights = torch.where(far < 1, inner, outer) * ((far < 2) & (cell >= first) & (cell < past))
    return weights / weights.sum(dim=1, keepdim=True)


def _filtered(
    planes: Float[Tensor, "3 rows old"], weights: Float64[Tensor, "new old"]
) -> Float[Tensor, "3 rows new"]:
    whole, one = _whole_numbers(weights)
    high = (whole / _LOW).round()
    parts = torch.stack([high, whole - _LOW * high]).float()
    above, below = (planes @ part.mT for part in parts)
    total = _LOW * above.double() + below.double()
    rounded: Tensor = ((total + one / 2) / one).floor().clamp(0, 255).float()
    return rounded


def _whole_numbers(
    weights: Float64[Tensor, "new old"],
) -> tuple[Float64[Tensor, "new old"], Float64[Tensor, ""]]:
    """Weights as whole numbers of 16 bits, as fine as their largest allows; and the number that stands for 1."""
    finer = 2.0 ** torch.arange(1, _MOST_BITS + 1, dtype=torch.float64)
    fits = (weights.max() * finer + 0.5).floor() < 2**15
    one = torch.where(fits, finer, 1.0).max()
    scaled = weights * one
    return (scaled.abs() + 0.5).floor() * scaled.sign(), one


def _number(side: int) -> Float64[Tensor, ""]:
    """A side as a tensor, which it is in a graph of any size."""
    return torch.scalar_tensor(side, dtype=torch.float64)
