"""What the backbone learns from: places near each other in a photograph look alike to it, all others do not.

Dense contrastive learning with a soft target. Every point of one view should find, among all points of all the
other views, those within its `reach`: with reach 0 only itself (as DenseCL and VADeR), with a large one any point
of its photograph (image-level contrast), and between them what often belongs to one object (Isola et al., "Learning
visual groups from co-occurrences in space and time", arXiv 1511.06811). Both views are cut, flipped and coloured
differently, so neither position nor raw colour gives the answer away.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from photo_views import ViewPair


class NeighbourContrast(nn.Module):
    """A network of feature maps, a head, and the loss of a pair of views.

    Args:
        network: Images → maps, finest first (timm's ``features_only``).
        dim: Channels of all maps together.
        reach: How far apart two points still count as alike, as a share of the photograph's side (a Gaussian's sigma).
        temperature: Of the softmax over points.
    """

    def __init__(self, network: nn.Module, dim: int, *, reach: float, temperature: float) -> None:
        super().__init__()
        self.network, self.reach, self.temperature = network, reach, temperature
        self.head = nn.Sequential(nn.Linear(dim, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128))

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The mean loss over the points of a batch, in nats."""
        images = pair.views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = at_points(self.network(images), pair.points.flatten(0, 1))
        embedded = F.normalize(self.head(features.flatten(0, 1)).float(), dim=-1)
        first, second = embedded.chunk(2)
        return contrast(first, second, closeness(pair.places, self.reach), self.temperature)


def at_points(
    maps: list[Float[Tensor, "batch _ _ _"]], points: Float[Tensor, "batch point 2"]
) -> Float[Tensor, "batch point dim"]:
    """The features of all maps at points (x, y in [-1, 1]), interpolated, side by side: a hypercolumn."""
    grid = points[:, :, None]
    looked_up = [F.grid_sample(m.float(), grid, padding_mode="border", align_corners=False) for m in maps]
    return torch.cat(looked_up, dim=1).squeeze(-1).mT


def closeness(places: Float[Tensor, "batch point 2"], reach: float) -> Float[Tensor, "sample sample"]:
    """How alike any two points of a batch should be: rows sum to one, points of different photographs have 0."""
    if reach == 0:
        return torch.eye(places.shape[0] * places.shape[1], device=places.device)
    # The photograph spans [-1, 1]: its side is 2.
    distance = torch.cdist(places, places) / 2
    alike: Tensor = torch.block_diag(*(-distance.square() / (2 * reach**2)).softmax(-1))
    return alike


def contrast(
    first: Float[Tensor, "sample dim"],
    second: Float[Tensor, "sample dim"],
    target: Float[Tensor, "sample sample"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Cross entropy between the softmax of similarities and the target, from either view to the other.

    Example:
        >>> x = F.normalize(torch.randn(8, 4), dim=-1)
        >>> bool(contrast(x, x, torch.eye(8), 0.1) < contrast(x, x.flip(0), torch.eye(8), 0.1))
        True
    """
    similarity = first @ second.T / temperature
    forth = -(target * similarity.log_softmax(1)).sum(1).mean()
    back = -(target * similarity.log_softmax(0)).sum(0).mean()
    return (forth + back) / 2
