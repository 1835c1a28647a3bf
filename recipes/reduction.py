"""Hypercolumns → few numbers a patch, by a linear map that is found on photographs once training is over.

Every map gets the same total variance, so that a stage does not weigh more for having more channels; then principal
components, their variances brought halfway towards each other (λ^-¼): left as they are a few strong directions
drown the rest, all made alike the weakest are noise. Slots on 64 numbers train several times faster than on 448.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from photo_views import normalise
from slotlight.backbones.truncation import Reduction

REDUCED = 64  # numbers in a feature
_EVERY = 2  # every second patch of a photograph, both ways, tells enough


@torch.inference_mode()
def fit_reduction(network: nn.Module, photos: UInt8[Tensor, "photo height width 3"], dim: int) -> Reduction:
    """The reduction to `dim` numbers of a network's hypercolumns (all its maps brought to the finest grid).

    The features that come of it are zero on average over the photographs, of variance about one a number.
    """
    stages = _maps(network, photos)
    columns = _hypercolumns(stages)
    scale = torch.cat([_equal_share(stage, columns.shape[1] / len(stages)) for stage in stages])
    mean = columns.mean(0)
    components, variances = _principal((columns - mean) * scale, dim)
    weight = (components * variances**-0.25 / variances.sqrt().mean().sqrt()).T * scale
    return Reduction(weight.contiguous(), -(weight @ mean))


def _maps(network: nn.Module, photos: UInt8[Tensor, "photo height width 3"]) -> list[Tensor]:
    batches = (network(normalise(part.permute(0, 3, 1, 2).float() / 255)) for part in photos.split(50))
    return [torch.cat(parts) for parts in zip(*batches, strict=True)]


def _hypercolumns(stages: list[Tensor]) -> Float[Tensor, "sample dim"]:
    size = stages[0].shape[-2:]
    raised = [F.interpolate(s, size, mode="bilinear")[..., ::_EVERY, ::_EVERY] for s in stages]
    return torch.cat(raised, dim=1).movedim(1, -1).flatten(0, 2)


def _equal_share(
    stage: Float[Tensor, "photo channel height width"], share: float
) -> Float[Tensor, " channel"]:
    """A factor for each channel that gives every stage `share` as its total variance."""
    return math.sqrt(share / stage.shape[1]) / stage.std((0, 2, 3)).clamp(min=1e-6)


def _principal(
    centred: Float[Tensor, "sample dim"], count: int
) -> tuple[Float[Tensor, "dim component"], Float[Tensor, " component"]]:
    """The directions of greatest variance, and their variances, both falling."""
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(centred))
    variances = variances.clamp(
        min=torch.finfo(variances.dtype).eps * variances[-1]
    )  # rounding may go below 0
    return directions.flip(1)[:, :count], variances.flip(0)[:count]
