"""What the backbone learns from: places of one photograph that are near and of one colour are alike, others are not.

Dense contrastive learning with a soft target. Every point of one view should find, among all points of all the
other views, those of its photograph that probably belong to the same thing: within its `reach` (Isola et al.,
"Learning visual groups from co-occurrences in space and time", arXiv 1511.06811) and of about its colour, much as
segments do in DetCon (Hénaff et al., arXiv 2103.10957). With reach 0 only the same point counts (as in DenseCL and
VADeR). Both views are cut, flipped and coloured differently, so neither position nor raw colour gives the answer away.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from compare_networks import width
from photo_views import ViewPair, at_points


class NeighbourContrast(nn.Module):
    """A network of feature maps, a head, and the loss of a pair of views.

    Args:
        network: Images → maps, finest first (timm's ``features_only``).
        reach: How far apart two points still count as alike, as a share of the photograph's side (a Gaussian's sigma).
        tone: How far apart in what they look like, such as RGB (a Gaussian's sigma); infinite leaves looks out.
        stray: How much near points of quite different looks still count: things have several colours.
        temperature: Of the softmax over points.
    """

    def __init__(
        self, network: nn.Module, *, reach: float, tone: float, stray: float = 0.05, temperature: float
    ) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.reach, self.tone, self.stray = reach, tone, stray
        self.head = nn.Sequential(
            nn.Linear(width(network), 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128)
        )

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The mean loss over the points of a batch, in nats."""
        images = pair.views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = at_points(self.network(images), pair.points.flatten(0, 1))
        embedded = F.normalize(self.head(features.flatten(0, 1)).float(), dim=-1)
        first, second = embedded.chunk(2)
        target = likeness(pair, self.reach, self.tone, self.stray)
        return contrast(first, second, target, self.temperature)


def likeness(pair: ViewPair, reach: float, tone: float, stray: float) -> Float[Tensor, "sample sample"]:
    """How alike any two points of a batch should be: rows sum to one, points of different photographs have 0."""
    batch, points = pair.places.shape[:2]
    if reach == 0:
        return torch.eye(batch * points, device=pair.places.device)
    # The photograph spans [-1, 1]: its side is 2.
    near = _gaussian(pair.places / 2, reach)
    same = (_gaussian(pair.looks, tone) + stray) / (1 + stray)
    alike: Tensor = torch.block_diag(*F.normalize(near * same, p=1, dim=-1))
    return alike


def _gaussian(points: Float[Tensor, "batch point dim"], sigma: float) -> Float[Tensor, "batch point point"]:
    return torch.exp(-torch.cdist(points, points).square() / (2 * sigma**2))


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
