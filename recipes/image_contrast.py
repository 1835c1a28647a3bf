"""Contrast of whole images: two views of a photograph are alike, those of all others are not (SimCLR)."""

from typing import Any

import torch
from jaxtyping import Float
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn

from compare_networks import summary, width
from photo_views import ViewPair

_TEMPERATURE = 0.1


class ImageContrast(nn.Module):
    """A network, a head on the averages of its maps, and the loss of a pair of views.

    Source:
        Chen et al., "A simple framework for contrastive learning of visual representations", arXiv 2002.05709.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network
        self.head = SimCLRProjectionHead(width(network), 512, 128)
        self.loss = NTXentLoss(_TEMPERATURE)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The loss over the photographs of a batch, in nats."""
        embedded = self.head(summary(self.network(pair.views.flatten(0, 1)))).float()
        with torch.autocast(embedded.device.type, enabled=False):
            loss: Tensor = self.loss(*embedded.chunk(2))
        return loss
