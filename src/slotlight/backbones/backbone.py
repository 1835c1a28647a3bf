"""A name → a frozen timm network → patch features and their grid.

Only what the features need is run: for keys, queries or values that is the blocks before, one LayerNorm and a third
of one projection; the attention itself, the MLP and the final norm of that block are dropped with all that follows.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from slotlight.backbones.folding import fold_batch_norms
from slotlight.backbones.truncation import ConvFeatures, Reduction, ViTFeatures
from slotlight.config import Facet, Precision
from slotlight.errors import UnknownNameError, WeightsError
from slotlight.tensors import tensors_digest

FACETS: tuple[Facet, ...] = ("key", "query", "value", "token")


@dataclass(frozen=True)
class Features:
    """Features of a batch of images.

    Attributes:
        patches: One vector a patch, row by row, without class and register tokens; not normalised.
        grid: Rows and columns of patches.
    """

    patches: Float[Tensor, "batch patch dim"]
    grid: tuple[int, int]


class Backbone(nn.Module):
    """A frozen network that turns images into patch features.

    Args:
        name: What it is called.
        network: A timm ViT (``VisionTransformer`` or ``Eva``), taken over and cut; or a timm ConvNet made with
            ``features_only=True``, whose ``out_indices`` name the stages that are read; or several networks
            `slotlight.backbones.truncation.FeatureConcatenation`.
        facet: ``key``, ``query``, ``value`` or ``token``; all but a ViT have only ``token``.
        layer: Which block of a ViT; negative counts from the last.
        reduction: The maps of all but a ViT go through it; without it they are left as they are.

    Attributes:
        patch_size: Side of a patch in pixels; both sides of an image must be multiples of it.
        dim: Length of a feature.

    Source: keys of the last block of DINO, as LOST (arXiv 2109.14279) and the paper read them.

    Example:
        >>> import timm
        >>> vit = timm.create_model("vit_tiny_patch16_224", dynamic_img_size=True, num_classes=0)
        >>> backbone = Backbone("a random ViT", vit, facet="key")
        >>> features = backbone(torch.rand(2, 3, 64, 96))
        >>> features.patches.shape, features.grid
        (torch.Size([2, 24, 192]), (4, 6))
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        network: nn.Module,
        *,
        facet: Facet = "key",
        layer: int = -1,
        reduction: Reduction | None = None,
    ) -> None:
        super().__init__()
        if facet not in FACETS:
            raise UnknownNameError("facet", facet, FACETS)
        self.name, self.facet, self.layer = name, facet, layer
        if isinstance(network, VisionTransformer | Eva):
            depth = len(network.blocks)
            if not -depth <= layer < depth:
                raise WeightsError(f"Backbone {name!r} has {depth} blocks; layer {layer} is not one of them.")
            self.patch_size, self.dim = _reduction(network), int(network.embed_dim)
            self.extract: nn.Module = ViTFeatures(network, facet, layer)
        else:
            if facet != "token":
                raise WeightsError(f"Backbone {name!r} is a ConvNet and has no {facet}s; use facet 'token'.")
            info: Any = network.feature_info
            self.patch_size = int(info.reduction()[0])
            self.extract = ConvFeatures(network, info.channels(), reduction)
            self.dim = self.extract.dim
        config: Any = getattr(network, "pretrained_cfg", None) or {}
        self.register_buffer("mean", torch.tensor(config.get("mean", (0.485, 0.456, 0.406))).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(config.get("std", (0.229, 0.224, 0.225))).view(3, 1, 1))
        self.eval().requires_grad_(False)
        self._fingerprint = tensors_digest(self.state_dict(), f"{facet} {layer}")
        if isinstance(
            self.extract, ConvFeatures
        ):  # after the fingerprint: that is of the weights as published
            fold_batch_norms(self.extract.network)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.mean.device

    def train(self, mode: bool = True) -> "Backbone":  # noqa: ARG002
        """Stay in evaluation mode: a frozen backbone has no other."""
        return super().train(False)

    @torch.inference_mode()
    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Features:
        """The features of RGB images in [0, 1]."""
        height, width = images.shape[-2:]
        grid = (height // self.patch_size, width // self.patch_size)
        if (height, width) != (grid[0] * self.patch_size, grid[1] * self.patch_size):
            raise WeightsError(
                f"Images of {height}x{width} pixels do not divide into patches of {self.patch_size}."
            )
        return Features(self.extract((images - self.mean) / self.std), grid)

    def at_precision(self, images: Float[Tensor, "batch 3 height width"], precision: Precision) -> Features:
        """The features, computed in fp32 or bf16."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16"):
            found: Features = self(images)
        return found

    def fingerprint(self) -> str:
        """A hash of weights, facet and layer: equal for equal features; the key of a feature cache."""
        return self._fingerprint


def _reduction(network: Any) -> int:
    """Pixels from one patch of a timm ViT to the next."""
    step = network.patch_embed.feat_ratio(as_scalar=False)
    return int(step[0])
