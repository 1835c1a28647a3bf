"""Masked autoencoding: a ViT is given a part of a view's patches, and a small decoder paints the others.

A ConvNet cannot leave patches out: see `masked_painting.py`.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from lightly.models.modules import MaskedVisionTransformerDecoderTIMM
from lightly.models.utils import get_at_index, patchify, random_token_mask, set_at_index
from torch import Tensor, nn

from compare_networks import PATCH, SIDE, TokenMaps, width
from photo_views import ViewPair

_RATIO = 0.75
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
        keep, masked = random_token_mask(size, _RATIO, device=views.device)
        seen = self.to_decoder(self.network.tokens(views, keep=keep))
        blank = self.decoder.mask_token.to(seen).expand(*size, -1)
        decoded = self.decoder(set_at_index(blank, keep, seen))
        painted = self.to_pixels(get_at_index(decoded, masked)).float()
        return F.mse_loss(painted, get_at_index(standard_patches(views), masked - 1))


def standard_patches(views: Float[Tensor, "view 3 side side"]) -> Float[Tensor, "view patch pixel"]:
    """The pixels of each patch, brought to mean 0 and deviation 1."""
    patches = patchify(views, PATCH)
    spread, mean = torch.std_mean(patches, dim=-1, keepdim=True)
    standard: Tensor = (patches - mean) / (spread + 1e-3)
    return standard
