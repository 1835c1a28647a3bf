"""What a student learns from: at any place of a photograph, however cut and coloured, it says what its teachers see."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from compare_networks import width
from photo_views import ViewPair, at_points


class FeatureDistillation(nn.Module):
    """A network of maps, a linear map of its hypercolumn, and the loss of a pair of views.

    The teachers have looked at whole photographs, once; what the views were given as looks is their features. The
    student sees parts in other colours, so it learns what does not change with them, and averages over what in its
    teachers' features is noise: it may end better than they are.

    Args:
        network: Images → maps, finest first (timm's ``features_only``).
        dim: Numbers in the teachers' features.
    """

    def __init__(self, network: nn.Module, dim: int) -> None:
        super().__init__()
        self.network = network
        self.to_teachers = nn.Linear(width(network), dim)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The squared error over the points of a batch, as a share of the features' variance."""
        images = pair.views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        found = self.to_teachers(at_points(self.network(images), pair.points.flatten(0, 1))).float()
        target = pair.looks.float()
        return F.mse_loss(found, target.repeat(2, 1, 1)) / target.var(dim=(0, 1)).mean()
