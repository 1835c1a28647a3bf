"""The networks that the comparison trains: images → feature maps, finest first, whatever is inside.

Each has the face of timm's ``features_only`` networks (``feature_info`` names the maps), so that every method and
the reading of features work on all. All have a map of stride 8 and about a million weights.
"""

import copy
from functools import partial
from typing import Any

import timm
import torch
from jaxtyping import Bool, Float, Int
from lightly.models.modules import MaskedVisionTransformerTIMM
from timm.layers.hybrid_embed import HybridEmbed
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem
from torch import Tensor, nn

from slotlight.backbones.truncation import MapInfo, ViTFeatures
from slotlight.config import Facet

PATCH = 8
SIDE = 96  # of the views that all networks are trained on
_DIM, _DEPTH, _HEADS = 128, 4, 2


class TokenMaps(nn.Module):
    """A ViT as a network of one map: its last tokens, without the class token, on their grid.

    Attributes:
        encoder: lightly's ViT that can mask or leave out tokens (fixed sine-cosine position).
        feature_info: As of timm's ``features_only`` networks.
    """

    def __init__(self, vit: VisionTransformer) -> None:
        super().__init__()
        self.encoder = MaskedVisionTransformerTIMM(vit)
        self.feature_info = _one_map(vit.embed_dim)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch dim h w"]]:
        """The map of tokens."""
        vit: Any = self.encoder.vit  # lightly's own way takes square images alone
        return [_on_grid(vit.forward_features(images)[:, 1:], images)]

    def tokens(
        self,
        images: Float[Tensor, "batch 3 height width"],
        *,
        mask: Bool[Tensor, "batch token"] | None = None,
        keep: Int[Tensor, "batch kept"] | None = None,
    ) -> Float[Tensor, "batch _ dim"]:
        """The class token, then the patches' tokens.

        Args:
            images: Normalised.
            mask: Patches that a learnt token replaces.
            keep: The only tokens that are looked at; 0 is the class token.
        """
        if mask is not None:
            mask = nn.functional.pad(mask, (1, 0))  # the class token stays
        encoded: Tensor = self.encoder.encode(images, mask=mask, idx_keep=keep)
        return encoded


class FacetMaps(nn.Module):
    """One facet of one block of a trained `TokenMaps`, as a network of one map; the ViT itself stays whole."""

    def __init__(self, network: TokenMaps, facet: Facet, layer: int) -> None:
        super().__init__()
        vit: Any = copy.deepcopy(network.encoder.vit)
        self.feature_info = _one_map(vit.embed_dim)
        self.cut = ViTFeatures(vit, facet, layer)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch dim h w"]]:
        """The map of the facet."""
        return [_on_grid(self.cut(images), images)]


class StageMaps(nn.Module):
    """One map of a trained network of several, brought to the finest one's grid."""

    def __init__(self, network: Any, stage: int) -> None:
        super().__init__()
        self.network, self.stage = network, stage
        self.feature_info = _one_map(network.feature_info.channels()[stage])

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch dim h w"]]:
        """The map."""
        maps = self.network(images)
        return [nn.functional.interpolate(maps[self.stage], maps[0].shape[-2:], mode="bilinear")]


def convnet() -> nn.Module:
    """A narrow resnet10t: 1.2 M weights; the embedded backbone is a deeper one of the same kind."""
    network: nn.Module = timm.create_model(
        "resnet10t",
        pretrained=False,
        features_only=True,
        out_indices=(2, 3, 4),
        stem_width=16,
        channels=(32, 64, 128, 256),
    )
    return network


def plain_vit() -> TokenMaps:
    """A small plain ViT with patches of 8 pixels."""
    return TokenMaps(_vit(_DEPTH, patch_size=PATCH))


def stem_vit() -> TokenMaps:
    """The same with three convolutions in place of a block (Xiao et al., arXiv 2106.14881)."""
    stem = partial(HybridEmbed, backbone=ConvStem(channels=_DIM))
    return TokenMaps(_vit(_DEPTH - 1, patch_size=1, embed_layer=stem))


def width(network: Any) -> int:
    """Channels of all maps together."""
    return sum(network.feature_info.channels())


def summary(maps: list[Float[Tensor, "batch _ _ _"]]) -> Float[Tensor, "batch dim"]:
    """The averages of all maps, side by side: one vector an image."""
    return torch.cat([features.mean((2, 3)) for features in maps], dim=1)


def _vit(depth: int, **kwargs: Any) -> VisionTransformer:
    return VisionTransformer(
        img_size=SIDE,
        embed_dim=_DIM,
        depth=depth,
        num_heads=_HEADS,
        num_classes=0,
        dynamic_img_size=True,
        **kwargs,
    )


def _on_grid(
    tokens: Float[Tensor, "batch patch dim"], images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch dim h w"]:
    grid: Tensor = tokens.mT.unflatten(2, (images.shape[2] // PATCH, images.shape[3] // PATCH))
    return grid


def _one_map(channels: int) -> MapInfo:
    return MapInfo((channels,), (PATCH,))
