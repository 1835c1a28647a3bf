"""What a backbone learns from: squares of a view are grey in what it sees; a linear map of its features paints them."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from compare_networks import PATCH, width
from photo_views import ViewPair

_SQUARE = 16  # pixels that are masked together


class MaskedPainting(nn.Module):
    """A network of maps, a linear map to pixels, and the loss of masked pixels.

    Args:
        network: Images → maps, finest first (timm's ``features_only``).
        ratios: The least and the greatest share of a view that is masked; each view draws its own.

    Source:
        Xie et al., "SimMIM: a simple framework for masked image modeling", arXiv 2111.09886: masked squares, a
        linear decoder, mean absolute error of pixels. Here it reads the hypercolumn of all maps. The paper masks 60 %
        of every view; a ConvNet that also sees whole ones is not surprised by photographs.
    """

    def __init__(self, network: nn.Module, *, ratios: tuple[float, float] = (0.6, 0.6)) -> None:
        super().__init__()
        self.network, self.ratios = network, ratios
        self.to_pixels = nn.Conv2d(width(network), 3 * PATCH**2, kernel_size=1)
        self.paint = nn.PixelShuffle(PATCH)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The mean absolute error over the masked pixels of a batch; both views of a pair are views like others."""
        views = pair.views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        low, high = self.ratios
        ratios = low + (high - low) * torch.rand(len(views), 1, device=views.device)
        mask = square_mask(views, _SQUARE, ratios)
        maps = self.network(views.masked_fill(mask, 0))
        columns = torch.cat([F.interpolate(m, maps[0].shape[-2:], mode="bilinear") for m in maps], dim=1)
        error = (self.paint(self.to_pixels(columns)).float() - views).abs()
        loss: Tensor = (error * mask).sum() / (3 * mask.sum())
        return loss


def square_mask(
    views: Float[Tensor, "view 3 side side"], square: int, ratios: Float[Tensor, "view 1"]
) -> Bool[Tensor, "view 1 side side"]:
    """Squares of some pixels' side, a share of each view.

    Example:
        >>> mask = square_mask(torch.rand(2, 3, 64, 64), 16, torch.tensor([[0.25], [0.5]]))
        >>> mask.float().mean((1, 2, 3)).tolist()
        [0.25, 0.5]
    """
    side = views.shape[-1] // square
    ranks = torch.rand(len(views), side * side, device=views.device).argsort(dim=1)
    coarse = (ranks < (ratios * side * side).round()).unflatten(1, (1, side, side))
    fine: Tensor = coarse.repeat_interleave(square, 2).repeat_interleave(square, 3)
    return fine
