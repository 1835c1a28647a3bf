"""Weights: a local file or the hub → a timm network. Nothing in a file is executed.

Known releases come in several wrappings and names, which `slotlight.backbones.layouts` takes off; timm's own filters
translate the rest (DINOv2, DINOv3, BEiT, ...). Only what is read of a network has to be in its file.
"""

import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file
from timm.models.eva import Eva
from timm.models.eva import checkpoint_filter_fn as eva_filter
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer import checkpoint_filter_fn as vit_filter
from torch import nn

from slotlight.backbones.layouts import State, flatten, one_network
from slotlight.config import Facet
from slotlight.errors import WeightsError

HUB_PATIENCE_S = 5.0
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
# What a file may have too much or too little of: heads, and what pretraining alone needs.
_OPTIONAL = ("head", "fc", "mask_token", "masked_embed", "decoder_", "classifier", "prototypes")
_OTHER_KINDS = {
    b"version https://git-lfs": "is a Git LFS pointer to the weights; fetch them with: git lfs pull",
    b"<!DOCTYPE": "is a web page; download the file behind it",
    b"<html": "is a web page; download the file behind it",
    b"\x89HDF": "is an HDF5 file, as Keras saves; convert it to safetensors",
    b"GGUF": "is a GGUF file; convert it to safetensors",
}


def read_weights(path: Path) -> State:
    """The tensors of one network in a safetensors or PyTorch file, whatever its suffix.

    Wrappings of known releases and trainers are taken off, and transformers' names translated.

    Raises:
        WeightsError: The file is missing, damaged, or not weights.
    """
    state = dict(flatten(read_tables(path)))
    if not state:
        raise WeightsError(f"{path} does not contain a state_dict; save the network's.")
    return one_network(state, str(path))


def read_tables(path: Path) -> Any:
    """What a safetensors or PyTorch file holds, whatever its suffix: tensors in tables, as they were saved.

    Raises:
        WeightsError: The file is missing, damaged, or not weights.
    """
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, not a weights file; give the file in it.")
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError as fault:
        raise WeightsError(f"{path} cannot be read: {fault.strerror or fault}.") from fault
    if not start:
        raise WeightsError(f"{path} is truncated or not a weights file: it is empty; download it again.")
    for signature, cause in _OTHER_KINDS.items():
        if start.startswith(signature):
            raise WeightsError(f"{path} {cause}.")
    is_safetensors = start[8:9] == b"{" or path.suffix == ".safetensors"
    return _read_safetensors(path) if is_safetensors else _read_pth(path)


def fill(network: nn.Module, state: State, source: Path, *, facet: Facet = "token", layer: int = -1) -> None:
    """Put weights into a timm network; names of other releases are translated.

    Args:
        network: Uncut.
        state: See `read_weights`.
        source: Their file, for sentences.
        facet: What is read of the network: what comes after it need not be in the file.
        layer: Of which block.

    Raises:
        WeightsError: They are another network's: some are missing, left over, or of another shape.
    """
    _check_patches(network, state, source)
    try:
        if isinstance(network, VisionTransformer):
            state = vit_filter(dict(state), network)
        elif isinstance(network, Eva):
            state = eva_filter(_without_zero_biases(network, state, source), network)
        _check_kinds(network, state, source)
        result = network.load_state_dict(state, strict=False)
    except WeightsError:
        raise
    except Exception as fault:  # timm's filters expect the networks that they know
        lines = str(fault).strip().splitlines() or [type(fault).__name__]
        raise WeightsError(
            f"{source} holds another network's weights ({lines[min(1, len(lines) - 1)].strip()[:160]})."
        ) from fault
    if not state.keys() & network.state_dict().keys():
        raise WeightsError(
            f"{source} holds another network's weights: none of its keys is this network's; they look like "
            f"{next(iter(state))!r}."
        )
    missing = [key for key in result.missing_keys if _is_read(network, key, facet, layer)]
    held, absent = _blocks(state), _blocks(missing)
    if held and absent and min(absent) > max(held):
        raise WeightsError(
            f"{source} holds only blocks 0 to {max(held)}, but layer {layer} is read; choose one of those layers."
        )
    # A ConvNet is cut before it is filled, so its file always holds more.
    left_over = result.unexpected_keys if isinstance(network, VisionTransformer | Eva) else []
    for problem, keys in (("it lacks", missing), ("the network does not use", left_over)):
        odd = [key for key in keys if not key.startswith(_OPTIONAL)]
        if odd:
            raise WeightsError(
                f"{source} holds another network's weights: {problem} {len(odd)}, such as {odd[0]!r}."
            )
    for key, value in network.state_dict().items():
        if value.is_floating_point() and not value.isfinite().all():
            raise WeightsError(
                f"{source} is damaged: {key!r} holds values that are not finite; download it again."
            )


def _blocks(keys: Iterable[str]) -> set[int]:
    """Which blocks of a ViT some weights are of."""
    return {int(block[1]) for key in keys if (block := re.match(r"blocks\.(\d+)\.", key))}


def _check_patches(network: nn.Module, state: State, source: Path) -> None:
    """Refuse what timm would resample to another patch size: features of another meaning would pass in silence."""
    given = state.get("patch_embed.proj.weight")
    own = getattr(getattr(getattr(network, "patch_embed", None), "proj", None), "weight", None)
    if given is None or own is None or given.ndim != 4 or own.ndim != 4:
        return
    if given.shape[2:] != own.shape[2:]:
        sides = ("×".join(map(str, weight.shape[2:])) for weight in (given, own))
        raise WeightsError(
            "{} holds another network's weights: its patches are {} pixels, not {}; choose a backbone of that "
            "patch size.".format(source, *sides)
        )
    if len(given) != len(own):
        raise WeightsError(
            f"{source} holds another network's weights: its features have {len(given)} dimensions, not {len(own)}; "
            "choose a backbone of that size."
        )


def _check_kinds(network: nn.Module, state: State, source: Path) -> None:
    for key, value in network.state_dict().items():
        given = state.get(key)
        if given is not None and value.is_floating_point() and not given.is_floating_point():
            raise WeightsError(
                f"{source} holds {str(given.dtype).removeprefix('torch.')} in {key!r}, not floats; save it unquantised."
            )


def _without_zero_biases(network: Eva, state: State, source: Path) -> State:
    """DINOv3's released biases of queries and values are all zero, and most of timm's networks leave them out."""
    if any(key.endswith("attn.q_bias") for key, _ in network.named_parameters()):
        return dict(state)
    biases = {key for key in state if re.fullmatch(r"blocks\.\d+\.attn\.qkv\.bias", key)}
    for key in biases:
        query, _, value = state[key].chunk(3)
        if query.any() or value.any():
            raise WeightsError(
                f"{source} has biases for queries and values, which this network lacks; choose the variant with them "
                "(timm's names with 'qkvb')."
            )
    return {key: value for key, value in state.items() if key not in biases}


def _is_read(network: nn.Module, key: str, facet: Facet, layer: int) -> bool:
    """Whether a weight of a network comes before what is read of it."""
    depth = len(network.blocks) if isinstance(network, VisionTransformer | Eva) else 0
    if not -depth <= layer < depth:
        return True
    index = range(depth)[layer]
    if key.startswith("norm."):
        return facet == "token" and index == depth - 1
    block = re.match(r"blocks\.(\d+)\.(.*)", key)
    if block is None or int(block[1]) < index:
        return True
    is_projection = re.match(r"norm1\.|attn\.(qkv|[qkv]_)", block[2]) is not None
    return int(block[1]) == index and (facet == "token" or is_projection)


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
    except Exception as fault:
        raise WeightsError(f"{path} is truncated or not a safetensors file ({first_line(fault)}).") from fault


def _read_pth(path: Path) -> Any:
    _check_archive(path)
    try:
        # The full checkpoints of DINO and MAE carry their command line along.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings(action="ignore"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # damaged archives raise whatever their bytes happen to trip
        if isinstance(fault, pickle.UnpicklingError) and (code := re.search(r"GLOBAL ([\w.]+)", str(fault))):
            raise WeightsError(
                f"{path} holds more than weights ({code[1]}) and is not loaded, because that could run code; save the "
                "network's state_dict as safetensors."
            ) from fault
        # PyTorch's own advice is to load what may run code.
        cause = "" if "weights_only" in str(fault) else f" ({first_line(fault)})"
        raise WeightsError(f"{path} is truncated or not a weights file{cause}.") from fault


def _check_archive(path: Path) -> None:
    """What PyTorch does not see of a zip archive: another kind's, and changed bits."""
    if not zipfile.is_zipfile(path):
        return  # PyTorch's older format, or none
    try:
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise WeightsError(f"{path} is a TorchScript program; save its state_dict as safetensors.")
            damaged = archive.testzip()
    except WeightsError:
        raise
    except Exception as fault:  # damaged archives raise whatever their bytes happen to trip
        raise WeightsError(f"{path} is truncated or not a weights file ({first_line(fault)}).") from fault
    if damaged:
        raise WeightsError(f"{path} is damaged: the checksum of {damaged!r} is wrong; download it again.")
