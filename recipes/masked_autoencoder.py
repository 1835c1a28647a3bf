"""Masked autoencoding: see a part of a view, paint the rest.

A ViT is given only the patches that are left, and a small decoder paints the others (MAE). A ConvNet cannot leave
patches out: they are grey in what it sees, and a linear map of its features paints them (SimMIM).
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from lightly.models.modules import MaskedVisionTransformerDecoderTIMM
from lightly.models.utils import get_at_index, patchify, random_token_mask, set_at_index
from torch import Tensor, nn

from compare_networks import PATCH, SIDE, TokenMaps, width
from photo_views import ViewPair

_MAE_RATIO, _SIMMIM_RATIO = 0.75, 0.6
_SIMMIM_PATCH = 16  # pixels that are masked together in a ConvNet's view
_DECODER_DIM, _DECODER_HEADS = 96, 3
_PIXELS = 3 * PATCH**2


class MaskedAutoencoder(nn.Module):
    """A ViT, a decoder of one block, and the loss of masked patches; both views of a pair are views like others.

    Source:
        He et al., "Masked autoencoders are scalable vision learners", arXiv 2111.06377: 75 % masked, the target is
        each patch brought to mean 0 and deviation 1.
    """

    def __init__(self, network: TokenMaps) -> None:
        super().__init__()
        self.network = network
        self.to_decoder = nn.Linear(width(network), _DECODER_DIM)
        self.decoder = MaskedVisionTransformerDecoderTIMM(
            (SIDE // PATCH) ** 2, _DECODER_DIM, depth=1, num_heads=_DECODER_HEADS
        )
        self.to_pixels = nn.Linear(_DECODER_DIM, _PIXELS)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The mean squared error over the masked patches of a batch."""
        views = pair.views.flatten(0, 1)
        size = (len(views), self.decoder.sequence_length)
        keep, masked = random_token_mask(size, _MAE_RATIO, device=views.device)
        seen = self.to_decoder(self.network.tokens(views, keep=keep))
        blank = self.decoder.mask_token.to(seen).expand(*size, -1)
        decoded = self.decoder(set_at_index(blank, keep, seen))
        painted = self.to_pixels(get_at_index(decoded, masked)).float()
        return F.mse_loss(painted, get_at_index(standard_patches(views), masked - 1))


class MaskedPainting(nn.Module):
    """A network of maps, a linear map to pixels, and the loss of masked patches.

    Source:
        Xie et al., "SimMIM: a simple framework for masked image modeling", arXiv 2111.09886: 60 % masked in
        blocks, a linear decoder, mean absolute error of pixels.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network
        self.to_pixels = nn.Conv2d(width(network), _PIXELS, kernel_size=1)
        self.paint = nn.PixelShuffle(PATCH)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The mean absolute error over the masked pixels of a batch."""
        views = pair.views.flatten(0, 1)
        mask = square_mask(views, _SIMMIM_PATCH, _SIMMIM_RATIO)
        maps = self.network(views.masked_fill(mask, 0))
        columns = torch.cat([F.interpolate(m, maps[0].shape[-2:], mode="bilinear") for m in maps], dim=1)
        error = (self.paint(self.to_pixels(columns)).float() - views).abs()
        loss: Tensor = (error * mask).sum() / (3 * mask.sum())
        return loss


def standard_patches(views: Float[Tensor, "view 3 side side"]) -> Float[Tensor, "view patch pixel"]:
    """The pixels of each patch, brought to mean 0 and deviation 1."""
    patches = patchify(views, PATCH)
    spread, mean = torch.std_mean(patches, dim=-1, keepdim=True)
    standard: Tensor = (patches - mean) / (spread + 1e-3)
    return standard


def square_mask(
    views: Float[Tensor, "view 3 side side"], patch: int, ratio: float
) -> Bool[Tensor, "view 1 side side"]:
    """Squares of `patch` pixels, `ratio` of each view.

    Example:
        >>> square_mask(torch.rand(2, 3, 64, 64), 16, 0.5).float().mean().item()
        0.5
    """
    side = views.shape[-1] // patch
    ranks = torch.rand(len(views), side * side, device=views.device).argsort(dim=1)
    coarse = (ranks < round(ratio * side * side)).unflatten(1, (1, side, side))
    fine: Tensor = coarse.repeat_interleave(patch, 2).repeat_interleave(patch, 3)
    return fine
