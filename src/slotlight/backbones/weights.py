"""Weights: a local file or the hub → a timm network. Nothing in a file is executed.

Known releases come in several wrappings and names: those of the wrapping are taken off here, and timm's own filters
translate the names (DINOv2, DINOv3, BEiT, ...).
"""

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.eva import Eva
from timm.models.eva import checkpoint_filter_fn as eva_filter
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer import checkpoint_filter_fn as vit_filter
from torch import Tensor, nn

from slotlight.errors import WeightsError

HUB_PATIENCE_S = 5.0
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
_WRAPPINGS = ("teacher", "model", "state_dict")
# What a file may have too much or too little of: heads, and what pretraining alone needs.
_OPTIONAL = ("head", "fc", "norm.", "mask_token", "masked_embed", "decoder_", "classifier", "prototypes")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` or ``.pth`` file.

    Wrappings of known releases are taken off: DINO's ``teacher`` with its ``backbone.`` prefix, ``model``,
    ``state_dict``, ``module.``.

    Raises:
        WeightsError: The file is missing, damaged, or not weights.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pth(path)
    for wrapping in _WRAPPINGS:
        state = state[wrapping] if isinstance(state, Mapping) and wrapping in state else state
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()) or not state:
        raise WeightsError(f"{path} holds no table of weights; save the network's state_dict.")
    return {str(key).removeprefix("module.").removeprefix("backbone."): v for key, v in state.items()}


def fill(network: nn.Module, state: dict[str, Tensor], source: Path) -> None:
    """Put weights into a timm network; names of other releases are translated.

    Raises:
        WeightsError: They are another network's: some are missing, left over, or of another shape.
    """
    try:
        if isinstance(network, VisionTransformer):
            state = vit_filter(state, network)
        elif isinstance(network, Eva):
            state = eva_filter(state, network)
        result = network.load_state_dict(state, strict=False)
    except (RuntimeError, KeyError, AttributeError, ValueError) as fault:
        lines = str(fault).strip().splitlines()
        raise WeightsError(
            f"{source} holds another network's weights ({lines[min(1, len(lines) - 1)].strip()[:160]})."
        ) from fault
    # A ConvNet is cut before it is filled, so its file always holds more.
    left_over = result.unexpected_keys if isinstance(network, VisionTransformer | Eva) else []
    for problem, keys in (("lacks", result.missing_keys), ("has left over", left_over)):
        odd = [key for key in keys if not key.startswith(_OPTIONAL)]
        if odd:
            raise WeightsError(
                f"{source} holds another network's weights: it {problem} {len(odd)}, such as {odd[0]!r}."
            )


def on_machine(timm_name: str) -> bool:
    """Whether timm's pretrained weights of that name are in the hub's cache on this machine."""
    repo = _hub_repository(timm_name)
    return repo is not None and any(isinstance(try_to_load_from_cache(repo, f), str) for f in _HUB_FILES)


def require_reachable(name: str, timm_name: str) -> None:
    """Ask the hub once for weights that are not on this machine; its own client would retry for a minute.

    Raises:
        WeightsError: The hub cannot be reached or does not give the weights, or there are none.
    """
    if not timm.models.is_model_pretrained(timm_name):
        raise WeightsError(f"timm has no pretrained weights {timm_name!r}; pass a file with --weights FILE.")
    repo = _hub_repository(timm_name)
    if repo is None or on_machine(timm_name):
        return
    try:
        get_hf_file_metadata(hf_hub_url(repo, _HUB_FILES[0]), timeout=HUB_PATIENCE_S)
    except EntryNotFoundError:
        return  # it answers; the weights are in another of its files
    except Exception as fault:  # the errors of its client's HTTP libraries have no common class
        raise out_of_reach(name, timm_name, fault) from fault


def out_of_reach(name: str, timm_name: str, fault: BaseException) -> WeightsError:
    """The one sentence for weights that the hub does not give."""
    repo = _hub_repository(timm_name)
    page = f"https://huggingface.co/{repo}" if repo else "another machine"
    return WeightsError(
        f"The weights of {name!r} are not on this machine and the hub cannot be reached ({first_line(fault)}); "
        f"download them from {page} and pass the file with --weights FILE."
    )


def _hub_repository(timm_name: str) -> str | None:
    config = timm.get_pretrained_cfg(timm_name)
    return (config.hf_hub_id or None) if config else None


def first_line(fault: BaseException) -> str:
    """The cause of a fault, short enough for a sentence."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:160]


def _read_safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as fault:
        raise WeightsError(f"{path} is truncated or no safetensors file ({fault}).") from fault


def _read_pth(path: Path) -> Any:
    try:
        # The full checkpoints of DINO and MAE carry their command line along.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        raise WeightsError(
            f"{path} is no file of weights alone and is not loaded, because that could run code; "
            "save the network's state_dict as safetensors."
        ) from fault
    except Exception as fault:  # damaged archives raise whatever their bytes happen to trip
        raise WeightsError(f"{path} is truncated or no weights file ({first_line(fault)}).") from fault
