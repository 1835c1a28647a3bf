"""A trained detector ↔ a folder: ``detector.safetensors`` and ``config.json``. Loading runs no code."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn
from torchvision.models.detection import MaskRCNN

from slotlight.backbones import load_backbone
from slotlight.backbones.loading import embedded_structure
from slotlight.config import EMBEDDED, Calibration, DetectorConfig, Precision
from slotlight.detector.network import build_detector
from slotlight.detector.segmenter import DetectorSegmenter
from slotlight.errors import CheckpointError, ConfigError
from slotlight.model.checkpoint import from_dict, read_config, write_folder

KIND = "detector"
_WEIGHTS, _CONFIG = "detector.safetensors", "config.json"
_BACKBONE = "backbone.network."  # what names of its weights begin with


def save_detector(
    folder: Path,
    network: nn.Module,
    config: DetectorConfig,
    info: dict[str, Any],
    *,
    has_own_backbone: bool,
) -> None:
    """Write a model folder, the weights in half precision; each file appears whole or not at all.

    Args:
        folder: Made if need be.
        network: The trained detector.
        config: What it was built with.
        info: What else to keep about the training, as JSON.
        has_own_backbone: Whether its backbone has learned; one that has not is the package's, and left out.
    """
    state = {
        key: value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
        if has_own_backbone or not key.startswith(_BACKBONE)
    }
    model: dict[str, Any] = {"kind": KIND, "detector": dataclasses.asdict(config)}
    if not has_own_backbone:
        model["backbone"] = load_backbone(EMBEDDED).fingerprint()
    write_folder(folder, _WEIGHTS, state, model, info)


def is_detector(folder: Path) -> bool:
    """Whether a model folder holds a detector.

    Raises:
        CheckpointError: It is not a model folder, or is damaged.
    """
    return bool(read_config(folder).get("kind") == KIND)


def load_detector(
    folder: Path,
    *,
    name: str | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
) -> DetectorSegmenter:
    """Load a folder that `save_detector` wrote.

    Args:
        folder: Where it is.
        name: What tables call it; without it, the folder's name.
        device: Where to put it.
        precision: Arithmetic of the forward pass.

    Raises:
        CheckpointError: It is damaged or not a detector of this version.
    """
    raw = read_config(folder)
    try:
        config = from_dict(DetectorConfig, raw["detector"])
        network = build_detector(_stages(folder, raw.get("backbone")), config)
        expected, calibration = raw["weights_sha256"], from_dict(Calibration, raw.get("calibration", {}))
    except (ConfigError, KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"{folder / _CONFIG} was not written by this version of Slotlight ({fault}); distil the model again."
        ) from fault
    _fill(network, folder / _WEIGHTS, expected, has_own_backbone="backbone" not in raw)
    network = network.to(device)
    return DetectorSegmenter(
        name or folder.name, network, config, precision=precision, calibration=calibration
    )


def _stages(folder: Path, backbone: str | None) -> Any:
    """The network that a detector stands on: the package's, whose fingerprint is given, or one for its own weights."""
    if backbone is None:
        return embedded_structure()
    embedded = load_backbone(EMBEDDED)
    if backbone != embedded.fingerprint():
        raise CheckpointError(
            f"{folder} stands on another backbone than the one in this version of Slotlight; distil the model again."
        )
    return embedded.extract.network


def _fill(network: MaskRCNN, path: Path, expected: str, *, has_own_backbone: bool) -> None:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError("its content does not match config.json")
        left_out, unknown = network.load_state_dict(load(content), strict=False)
        missing = [key for key in left_out if has_own_backbone or not key.startswith(_BACKBONE)]
        if missing or unknown:
            raise ValueError(f"it lacks or does not know {(missing + unknown)[0]}")
    except (OSError, SafetensorError, ValueError, RuntimeError) as fault:
        reason = str(fault).splitlines()[0]
        raise CheckpointError(f"{path} is damaged ({reason}); copy the whole folder again.") from fault
