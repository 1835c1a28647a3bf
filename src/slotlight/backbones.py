"""A name → a frozen timm network → patch features and their grid.

Only what the features need is run: for keys, queries or values that is the blocks before, one LayerNorm and a third
of one projection; the attention itself, the MLP and the final norm of that block are dropped with all that follows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.eva import Eva
from timm.models.eva import checkpoint_filter_fn as eva_filter
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer import checkpoint_filter_fn as vit_filter
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.config import BACKBONES, EMBEDDED, Facet
from slotlight.errors import UnknownNameError, WeightsError

FACETS: tuple[Facet, ...] = ("key", "query", "value", "token")
_UNUSED = (
    "head.",
    "head_dist.",
    "fc_norm.",
    "norm.",
    "mask_token",
)  # never run for any facet but the last token


@dataclass(frozen=True)
class Features:
    """Features of a batch of images.

    Attributes:
        patches: One vector a patch, row by row, without class and register tokens; not normalised.
        grid: Rows and columns of patches.
    """

    patches: Float[Tensor, "batch patch dim"]
    grid: tuple[int, int]


class ViTFeatures(nn.Module):
    """A timm ViT cut off right after one facet of one block.

    ``token`` is the block's output, with the final norm after the last block; ``key``, ``query`` and ``value`` are
    those of all attention heads side by side, as projected (before rotary embedding or normalisation).
    """

    def __init__(self, network: VisionTransformer | Eva, facet: Facet, layer: int) -> None:
        super().__init__()
        blocks = list(network.blocks)
        index = range(len(blocks))[layer]
        self.stem, self.prefix = network, int(network.num_prefix_tokens)
        self.facet_layer = _facet_layer(network, blocks[index], facet, last=index == len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks[: index + 1] if facet == "token" else blocks[:index])
        network.blocks = nn.Sequential()  # what is not run is not kept
        network.norm = network.fc_norm = network.head = nn.Identity()

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch patch dim"]:
        """The facet of every patch, row by row."""
        embedded = self.stem._pos_embed(self.stem.patch_embed(images))
        tokens, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
        tokens = self.stem.norm_pre(tokens)
        for block in self.blocks:
            tokens = block(tokens) if rope is None else block(tokens, rope=rope)
        return self.facet_layer(tokens[:, self.prefix :])


class ConvFeatures(nn.Module):
    """Stages of a timm ConvNet side by side (a hypercolumn), on the grid of the finest.

    Attributes:
        feature_mean: Subtracted from the features; zero unless weights bring another.
        feature_scale: Then multiplied, so that stages of different size weigh alike; one unless weights bring another.
    """

    def __init__(self, network: nn.Module, dim: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("feature_mean", torch.zeros(dim))
        self.register_buffer("feature_scale", torch.ones(dim))

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch patch dim"]:
        """The stages' activations, row by row."""
        finest, *coarser = self.network(images)
        size = finest.shape[-2:]
        maps = [finest, *(F.interpolate(m, size, mode="bilinear", align_corners=False) for m in coarser)]
        features = torch.cat(maps, dim=1).flatten(2).transpose(1, 2)
        return (features - self.feature_mean) * self.feature_scale


class Backbone(nn.Module):
    """A frozen network that turns images into patch features.

    Args:
        name: What it is called.
        network: A timm ViT (``VisionTransformer`` or ``Eva``), taken over and cut; or a timm ConvNet made with
            ``features_only=True``, whose ``out_indices`` name the stages that are read.
        facet: ``key``, ``query``, ``value`` or ``token``; a ConvNet has only ``token``.
        layer: Which block of a ViT; negative counts from the last.

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

    def __init__(self, name: str, network: nn.Module, *, facet: Facet = "key", layer: int = -1) -> None:
        super().__init__()
        if facet not in FACETS:
            raise UnknownNameError("facet", facet, FACETS)
        self.name, self.facet, self.layer = name, facet, layer
        if isinstance(network, VisionTransformer | Eva):
            depth = len(network.blocks)
            if not -depth <= layer < depth:
                raise WeightsError(f"Backbone {name!r} has {depth} blocks; layer {layer} is not one of them.")
            self.patch_size, self.dim = int(network.patch_embed.patch_size[0]), int(network.embed_dim)
            self.extract: nn.Module = ViTFeatures(network, facet, layer)
        else:
            if facet != "token":
                raise WeightsError(f"Backbone {name!r} is a ConvNet and has no {facet}s; use facet 'token'.")
            info = network.feature_info  # type: ignore[union-attr]
            self.patch_size, self.dim = int(info.reduction()[0]), int(sum(info.channels()))
            self.extract = ConvFeatures(network, self.dim)
        config = getattr(network, "pretrained_cfg", None) or {}
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
    facet: Facet = "key",
    layer: int = -1,
    device: torch.device | str = "cpu",
) -> Backbone:
    """Load a backbone by name, from the package, a local file or the hub.

    Args:
        name: ``embedded``, a name of `slotlight.config.BACKBONES`, or a timm ViT's or ConvNet's own name.
        weights: A local file: safetensors, or a ``.pth`` with timm's or the original release's key names. Without
            it, timm's pretrained weights come from the hub (or its cache on this machine).
        facet: See `Backbone`.
        layer: See `Backbone`.
        device: Where to put it.

    Raises:
        UnknownNameError: No backbone of that name.
        WeightsError: The weights are out of reach, not weights, or another network's.
    """
    if name == EMBEDDED:
        return _load_embedded(weights).to(device)
    timm_name = BACKBONES[name].timm_name if name in BACKBONES else name
    if name not in BACKBONES and timm_name.split(".")[0] not in timm.list_models():
        raise UnknownNameError("backbone", name, [EMBEDDED, *BACKBONES])
    network = _create(name, timm_name, facet, layer, from_hub=weights is None)
    if weights is not None:
        _fill(network, read_weights(weights), weights)
    # A ConvNet is already cut after the stage that `layer` names.
    return Backbone(name, network, facet=facet, layer=layer).to(device)


def weights_on_machine(name: str) -> bool:
    """Whether a named backbone's weights are in the package or in the hub's cache on this machine."""
    if name == EMBEDDED:
        return _embedded_file("backbone.safetensors").is_file()
    config = timm.get_pretrained_cfg(BACKBONES[name].timm_name)
    repo = getattr(config, "hf_hub_id", None)
    if not repo:
        return False
    names = ("model.safetensors", "pytorch_model.bin")
    return any(isinstance(try_to_load_from_cache(repo, file), str) for file in names)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` or ``.pth`` file; nothing in it is executed.

    Wrappings of known releases are taken off: DINO's ``teacher`` with its ``backbone.`` prefix, ``model``,
    ``state_dict``, ``module.``.

    Raises:
        WeightsError: The file is missing, damaged, or not weights.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError, KeyError) as fault:
        raise WeightsError(f"{path} is damaged or no weights file ({_first_line(fault)}).") from fault
    except Exception as fault:  # pickle's own errors have no common class below Exception
        raise WeightsError(
            f"{path} holds more than tensors and is not loaded, because that could run code; "
            f"save its state_dict as safetensors ({_first_line(fault)})."
        ) from fault
    for wrapping in ("teacher", "model", "state_dict"):
        state = state[wrapping] if isinstance(state, Mapping) and wrapping in state else state
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} holds no table of weights; expected a state_dict.")
    return {key.removeprefix("module.").removeprefix("backbone."): value for key, value in state.items()}


def _create(name: str, timm_name: str, facet: Facet, layer: int, *, from_hub: bool) -> nn.Module:
    try:
        if facet != "token" or "vit" in timm_name or "eva" in timm_name:
            return timm.create_model(timm_name, pretrained=from_hub, num_classes=0, dynamic_img_size=True)
        return timm.create_model(timm_name, pretrained=from_hub, features_only=True, out_indices=(layer,))
    except (OSError, RuntimeError, ValueError) as fault:
        if not from_hub:
            raise
        raise WeightsError(
            f"The weights of {name!r} ({timm_name}) are not on this machine and the hub cannot be reached "
            f"({_first_line(fault)}); download them elsewhere and pass the file with --weights FILE."
        ) from fault


def _fill(network: nn.Module, state: dict[str, Tensor], source: Path) -> None:
    try:
        if isinstance(network, VisionTransformer):
            state = vit_filter(state, network)
        elif isinstance(network, Eva):
            state = eva_filter(state, network)
        result = network.load_state_dict(state, strict=False)
    except (RuntimeError, KeyError, AttributeError) as fault:
        raise WeightsError(f"{source} holds another network's weights ({_first_line(fault)}).") from fault
    missing = [key for key in result.missing_keys if not key.startswith(_UNUSED)]
    if missing:
        raise WeightsError(f"{source} lacks {len(missing)} of the network's weights, first {missing[0]!r}.")


def _facet_layer(network: nn.Module, block: nn.Module, facet: Facet, *, last: bool) -> nn.Module:
    """What turns the tokens that enter a block into the facet (for ``token``: after the block)."""
    if facet == "token":
        return network.norm if last else nn.Identity()  # type: ignore[return-value]
    attention = block.attn
    index = ("query", "key", "value").index(facet)
    split = (
        (attention.q_proj, attention.k_proj, attention.v_proj) if getattr(attention, "q_proj", None) else None
    )
    if split is not None:
        return nn.Sequential(block.norm1, split[index])
    weight = attention.qkv.weight.chunk(3)[index]
    projection = nn.Linear(weight.shape[1], weight.shape[0])
    bias = attention.qkv.bias
    if bias is None and getattr(attention, "q_bias", None) is not None:  # Eva keeps its biases apart
        bias = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
    with torch.no_grad():
        projection.weight.copy_(weight)
        projection.bias.copy_(torch.zeros(len(weight)) if bias is None else bias.chunk(3)[index])
    return nn.Sequential(block.norm1, projection)


def _embedded_file(name: str) -> Path:
    return Path(str(files("slotlight") / "pretrained" / name))


def _load_embedded(weights: Path | None) -> Backbone:
    """The package's own backbone: ``backbone.json`` says which timm network it is and which stages are read."""
    recipe = json.loads(_embedded_file("backbone.json").read_text())
    network = timm.create_model(recipe["network"], pretrained=False, **recipe["kwargs"])
    network.pretrained_cfg = {"mean": tuple(recipe["mean"]), "std": tuple(recipe["std"])}
    source = weights or _embedded_file("backbone.safetensors")
    state = read_weights(source)
    standard = {name: state.pop(name) for name in ("feature_mean", "feature_scale") if name in state}
    _fill(network, state, source)
    backbone = Backbone(EMBEDDED, network, facet="token")
    backbone.extract.load_state_dict(standard, strict=False)
    return backbone


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:160]
