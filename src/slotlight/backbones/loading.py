"""A name → a backbone: from the package, a local file or the hub."""

import json
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from slotlight.backbones.backbone import Backbone
from slotlight.backbones.folding import fold_batch_norms
from slotlight.backbones.truncation import FeatureConcatenation, Reduction
from slotlight.backbones.weights import (
    fill,
    first_line,
    on_machine,
    out_of_reach,
    read_weights,
    require_reachable,
)
from slotlight.config import BACKBONES, EMBEDDED, BackboneConfig, Facet
from slotlight.errors import UnknownNameError, WeightsError
from slotlight.files import pretrained

_VIT_MODULES = (  # timm's, of ViTs it can cut
    "vision_transformer",
    "vision_transformer_hybrid",
    "deit",
    "eva",
)


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
        weights: A local file: safetensors or PyTorch, with timm's, transformers' or the original release's key
            names; it need not hold what comes after the features. Without
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
        fill(network, state, weights, facet=facet, layer=layer)
    # A ConvNet is already cut after the stage that `layer` names.
    return Backbone(name, network, facet=facet, layer=layer).to(device)


def load_chosen(
    chosen: BackboneConfig, *, weights: Path | None = None, device: torch.device | str = "cpu"
) -> Backbone:
    """Load the backbone that a model's config names.

    Args:
        chosen: The config.
        weights: A file in place of the config's.
        device: Where to put it.

    Raises:
        UnknownNameError, WeightsError: See `load_backbone`.
    """
    weights = weights or chosen.weights
    return load_backbone(chosen.name, weights=weights, facet=chosen.facet, layer=chosen.layer, device=device)


def weights_on_machine(name: str) -> bool:
    """Whether a named backbone's weights are in the package or in the hub's cache on this machine."""
    if name == EMBEDDED:
        return pretrained("backbone.safetensors").is_file()
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
        raise WeightsError(
            f"{name!r} is not a ViT that can be truncated, so it has no {facet}s; use facet 'token'."
        )
    try:
        network: nn.Module = timm.create_model(timm_name, pretrained=from_hub, **kwargs)
        if not is_vit:
            _try_out(network)
    except OSError as fault:
        raise out_of_reach(name, timm_name, fault) from fault
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as fault:
        raise WeightsError(
            f"{name!r} does not give features of images of any size at layer {layer} ({first_line(fault)}); "
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


def embedded_structure() -> FeatureConcatenation:
    """The embedded backbone's network as a `Backbone` arranges it, for weights of one's own: it holds none yet."""
    with torch.device("meta"):
        network = _embedded_network().eval()
    fold_batch_norms(network)
    return network.to_empty(device="cpu").to(memory_format=torch.channels_last)


def _embedded_network() -> FeatureConcatenation:
    """``backbone.json`` says which timm networks it is and which stages are read."""
    recipe = json.loads(pretrained("backbone.json").read_text())
    parts = [
        timm.create_model(part["network"], pretrained=False, **part["kwargs"]) for part in recipe["networks"]
    ]
    return FeatureConcatenation(parts, {"mean": recipe["mean"], "std": recipe["std"]})


def _load_embedded(weights: Path | None, facet: Facet, layer: int) -> Backbone:
    if layer != -1 or facet != "token":
        raise WeightsError("The facet and layer of the embedded backbone are fixed; leave both out.")
    network = _embedded_network()
    source = weights or pretrained("backbone.safetensors")
    state = read_weights(source)
    try:
        reduction = Reduction(state.pop("reduction.weight"), state.pop("reduction.bias"))
    except KeyError as fault:
        raise WeightsError(f"{source} lacks {fault}; export it with the recipe that trained it.") from fault
    fill(network, state, source)
    return Backbone(EMBEDDED, network, facet=facet, reduction=reduction)
