"""A name → a frozen timm network → patch features and their grid.

Only what the features need is run: for keys, queries or values that is the blocks before, one LayerNorm and a third
of one projection; the attention itself, the MLP and the final norm of that block are dropped with all that follows.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Float
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from slotlight.config import BACKBONES, EMBEDDED, Facet
from slotlight.cut_networks import ConvFeatures, Reduction, SideBySide, ViTFeatures
from slotlight.errors import UnknownNameError, WeightsError
from slotlight.weights import fill, first_line, on_machine, out_of_reach, read_weights, require_reachable

FACETS: tuple[Facet, ...] = ("key", "query", "value", "token")
_VIT_MODULES = (
    "vision_transformer",
    "vision_transformer_hybrid",
    "deit",
    "eva",
)  # timm's, of ViTs it can cut


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
            `slotlight.cut_networks.SideBySide`.
        facet: ``key``, ``query``, ``value`` or ``token``; all but a ViT have only ``token``.
        layer: Which block of a ViT; negative counts from the last.
        reduction: The maps of all but a ViT go through it; without it they are left as they are.

    Attributes:
        patch_size: Side of a patch in pixels; both sides of an image must be multiples of it.
        dim: Length of a feature.

    Source: keys of the last block of DINO, as LOST (arXiv 2109.14279) and the paper read them.

    Example:
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

    def fingerprint(self) -> str:
        """A hash of weights, facet and layer: equal for equal features; the key of a feature cache."""
        digest = hashlib.sha256(f"{self.facet} {self.layer}".encode())
        for key, value in sorted(self.state_dict().items()):
            digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]


def load_backbone(
    name: str,
    *,
    weights: Path | None = None,
    facet: Facet | None = None,
    layer: int = -1,
    device: torch.device | str = "cpu",
) -> Backbone:
    """Load a backbone by name, from the package, a local file or the hub.

    Args:
        name: ``embedded``, a name of `slotlight.config.BACKBONES`, or a timm ViT's or ConvNet's own name.
        weights: A local file: safetensors, or a ``.pth`` with timm's or the original release's key names. Without
            it, timm's pretrained weights come from the hub (or its cache on this machine).
        facet: See `Backbone`; without it, a ViT's keys or a ConvNet's tokens.
        layer: See `Backbone`; of a ConvNet, the stage.
        device: Where to put it.

    Raises:
        UnknownNameError: No backbone of that name.
        WeightsError: The weights are out of reach, not weights, or another network's.
    """
    if name == EMBEDDED:
        return _load_embedded(weights, facet or "token", layer).to(device)
    timm_name = BACKBONES[name].timm_name if name in BACKBONES else name
    if not timm.is_model(timm_name):
        raise UnknownNameError("backbone", name, [EMBEDDED, *BACKBONES])
    state = None if weights is None else read_weights(weights)
    if state is None:
        require_reachable(name, timm_name)
    is_vit = timm.models.is_model_in_modules(timm_name, _VIT_MODULES)
    facet = facet or ("key" if is_vit else "token")
    network = _create(name, timm_name, facet, layer, is_vit=is_vit, from_hub=state is None)
    if weights is not None and state is not None:
        fill(network, state, weights)
    # A ConvNet is already cut after the stage that `layer` names.
    return Backbone(name, network, facet=facet, layer=layer).to(device)


def weights_on_machine(name: str) -> bool:
    """Whether a named backbone's weights are in the package or in the hub's cache on this machine."""
    if name == EMBEDDED:
        return _embedded_file("backbone.safetensors").is_file()
    return on_machine(BACKBONES[name].timm_name)


def _create(
    name: str, timm_name: str, facet: Facet, layer: int, *, is_vit: bool, from_hub: bool
) -> nn.Module:
    """An uncut timm network; a ConvNet that gives the stage ``layer``."""
    kwargs = (
        {"num_classes": 0, "dynamic_img_size": True}
        if is_vit
        else {"features_only": True, "out_indices": (layer,)}
    )
    if not is_vit and facet != "token":
        raise WeightsError(f"{name!r} is no ViT that timm can cut and has no {facet}s; use facet 'token'.")
    try:
        network: nn.Module = timm.create_model(timm_name, pretrained=from_hub, **kwargs)
        if not is_vit:
            _try_out(network)
    except OSError as fault:
        raise out_of_reach(name, timm_name, fault) from fault
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as fault:
        raise WeightsError(
            f"{name!r} gives no features of images of any size at layer {layer} ({first_line(fault)}); "
            "choose another layer or backbone."
        ) from fault
    return network


def _try_out(network: Any) -> None:
    """Some networks take images of one size alone, or give their channels last: find out before they are used."""
    side, dim = network.feature_info.reduction()[0], network.feature_info.channels()[0]
    with torch.inference_mode():
        found = network.eval()(torch.zeros(1, 3, 2 * side, 3 * side))[0]
    if found.shape != (1, dim, 2, 3):
        raise ValueError(f"its features have the shape {tuple(found.shape)}")


def _reduction(network: Any) -> int:
    """Pixels from one patch of a timm ViT to the next."""
    step = network.patch_embed.feat_ratio(as_scalar=False)
    return int(step[0])


def _embedded_file(name: str) -> Path:
    return Path(str(files("slotlight") / "pretrained" / name))


def _load_embedded(weights: Path | None, facet: Facet, layer: int) -> Backbone:
    """The package's own backbone: ``backbone.json`` says which timm networks it is and which stages are read."""
    if layer != -1 or facet != "token":
        raise WeightsError("What is read of the embedded backbone is fixed; leave facet and layer out.")
    recipe = json.loads(_embedded_file("backbone.json").read_text())
    network: Any = SideBySide(
        [
            timm.create_model(part["network"], pretrained=False, **part["kwargs"])
            for part in recipe["networks"]
        ]
    )
    network.pretrained_cfg = {"mean": recipe["mean"], "std": recipe["std"]}
    source = weights or _embedded_file("backbone.safetensors")
    state = read_weights(source)
    try:
        reduction = Reduction(state.pop("reduction.weight"), state.pop("reduction.bias"))
    except KeyError as fault:
        raise WeightsError(f"{source} lacks {fault}; export it with the recipe that trained it.") from fault
    fill(network, state, source)
    return Backbone(EMBEDDED, network, facet=facet, reduction=reduction)
