"""timm networks cut off right after the features that are read; what is not run is not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import torch
from jaxtyping import Float
from timm.models.eva import EvaBlock
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.config import Facet
from slotlight.errors import WeightsError

FEW_TOKENS = 1024
"""Up to as many, plain matrix products beat torch's fused attention in bf16 on a processor (measured on Zen 4)."""


class ViTFeatures(nn.Module):
    """A timm ViT cut off right after one facet of one block.

    ``token`` is the block's output, with the final norm after the last block; ``key``, ``query`` and ``value`` are
    those of all attention heads side by side, as projected (before rotary embedding or normalisation).
    """

    def __init__(self, network: Any, facet: Facet, layer: int) -> None:
        super().__init__()
        blocks = list(network.blocks)
        index = range(len(blocks))[layer]
        self.stem, self.prefix = network, int(network.num_prefix_tokens)
        if facet == "token":
            self.blocks = nn.ModuleList(blocks[: index + 1])
            self.facet_layer = network.norm if index == len(blocks) - 1 else nn.Identity()
        else:
            self.blocks = nn.ModuleList(blocks[:index])
            self.facet_layer = _projection(blocks[index], facet)
        self.attentions: list[Any] = [
            m for m in self.blocks.modules() if getattr(m, "fused_attn", False) is True
        ]
        network.blocks = nn.Sequential()  # what is not run is not kept
        network.norm = network.fc_norm = network.head = nn.Identity()
        network.attn_pool = None

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch patch dim"]:
        """The facet of every patch, row by row."""
        embedded = self.stem._pos_embed(self.stem.patch_embed(images))
        tokens, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
        tokens = self.stem.norm_pre(tokens)
        # A mixed rotary embedding differs from block to block.
        ropes: Any = rope if getattr(self.stem, "rope_mixed", False) else repeat(rope)
        self._choose_attention(tokens)
        for block, own in zip(self.blocks, ropes, strict=False):
            tokens = block(tokens) if own is None else block(tokens, rope=own)
        facet: Tensor = self.facet_layer(tokens[:, self.prefix :])
        return facet

    def _choose_attention(self, tokens: Float[Tensor, "batch token dim"]) -> None:
        """The faster of timm's two ways to the same numbers."""
        plain = tokens.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        for attention in self.attentions:
            attention.fused_attn = not (plain and tokens.shape[1] <= FEW_TOKENS)


@dataclass(frozen=True)
class Reduction:
    """A linear map of features to fewer dimensions, such as their principal components."""

    weight: Float[Tensor, "out_dim in_dim"]
    bias: Float[Tensor, " out_dim"]


class ConvFeatures(nn.Module):
    """Stages of a timm ConvNet on the grid of the finest: side by side (a hypercolumn), or that reduced.

    The reduction is linear, and so is bringing a stage to a finer grid: each stage is reduced on its own grid, brought
    to the finest and added up, which is the reduced hypercolumn at a fraction of its cost.
    """

    def __init__(self, network: nn.Module, channels: list[int], reduction: Reduction | None = None) -> None:
        super().__init__()
        # Channels last: convolutions and pooling are a quarter faster on a processor, and the end needs no copy.
        self.network, self.channels = network.to(memory_format=torch.channels_last), channels
        self.dim = sum(channels) if reduction is None else len(reduction.bias)
        self.register_buffer("weight", None if reduction is None else reduction.weight)
        self.register_buffer("bias", None if reduction is None else reduction.bias)

    weight: Tensor | None
    bias: Tensor | None

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch patch dim"]:
        """The features of every patch, row by row."""
        maps = self.network(images)
        size = maps[0].shape[-2:]
        if self.weight is None or self.bias is None:
            features = torch.cat([_enlarge(stage, size) for stage in maps], dim=1)
        else:
            parts = self.weight[..., None, None].split(self.channels, dim=1)
            features = self.bias[:, None, None]
            for stage, part in zip(maps, parts, strict=True):  # a stack of them would not be channels last
                features = features + _enlarge(F.conv2d(stage, part), size)
        return features.flatten(2).transpose(1, 2).contiguous()


@dataclass(frozen=True)
class MapInfo:
    """What a network's maps are, asked for as timm's ``feature_info`` is."""

    of_channels: tuple[int, ...]
    of_reduction: tuple[int, ...]

    def channels(self) -> list[int]:
        """Of each map."""
        return list(self.of_channels)

    def reduction(self) -> list[int]:
        """Pixels from one place of each map to the next."""
        return list(self.of_reduction)


class FeatureConcatenation(nn.Module):
    """Several networks of maps as one that gives the maps of all.

    Networks that learnt from different tasks see different things: what one cannot tell apart, another may.

    Args:
        networks: Such as timm makes with ``features_only=True``; the first one's first map is the finest.
        pretrained_cfg: As timm's networks have it; its ``mean`` and ``std`` are the images'.

    Attributes:
        feature_info: What the maps are.

    Example:
        >>> import timm
        >>> make = lambda: timm.create_model("resnet10t", features_only=True, out_indices=(2, 3))
        >>> [tuple(stage.shape) for stage in FeatureConcatenation([make(), make()])(torch.rand(1, 3, 64, 96))]
        [(1, 128, 8, 12), (1, 256, 4, 6), (1, 128, 8, 12), (1, 256, 4, 6)]
    """

    def __init__(self, networks: Sequence[Any], pretrained_cfg: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.networks, self.pretrained_cfg = nn.ModuleList(networks), pretrained_cfg or {}
        infos = [network.feature_info for network in networks]
        self.feature_info = MapInfo(
            tuple(channels for info in infos for channels in info.channels()),
            tuple(step for info in infos for step in info.reduction()),
        )

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch dim _ _"]]:
        """All maps, those of the first network first."""
        return [stage for network in self.networks for stage in network(images)]


def _enlarge(
    stage: Float[Tensor, "batch dim h w"], size: tuple[int, int]
) -> Float[Tensor, "batch dim rows columns"]:
    if stage.shape[-2:] == size:
        return stage
    return F.interpolate(stage, size, mode="bilinear", align_corners=False)


def _projection(block: Any, facet: Facet) -> nn.Module:
    """What turns the tokens that enter a block into its keys, queries or values."""
    if not isinstance(block, Block | EvaBlock):
        raise WeightsError(
            f"Its {type(block).__name__}s have no separate projection of {facet}s; use facet 'token'."
        )
    attention: Any = block.attn
    index = ("query", "key", "value").index(facet)
    if getattr(attention, "q_proj", None) is not None:
        return nn.Sequential(block.norm1, (attention.q_proj, attention.k_proj, attention.v_proj)[index])
    weight, bias = attention.qkv.weight.chunk(3)[index], attention.qkv.bias
    if bias is None and getattr(attention, "q_bias", None) is not None:  # Eva keeps its biases apart
        bias = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
    projection = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        projection.weight.copy_(weight)
        if bias is not None:
            projection.bias.copy_(bias.chunk(3)[index])
    return nn.Sequential(block.norm1, projection)
