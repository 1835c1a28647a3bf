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

from slotlight.backbones.loading import embedded_structure
from slotlight.config import Calibration, DetectorConfig, Precision
from slotlight.detector.network import build_detector
from slotlight.detector.segmenter import DetectorSegmenter
from slotlight.errors import CheckpointError, ConfigError
from slotlight.model.checkpoint import from_dict, read_config, write_folder

KIND = "detector"
_WEIGHTS, _CONFIG = "detector.safetensors", "config.json"


def save_detector(folder: Path, network: nn.Module, config: DetectorConfig, info: dict[str, Any]) -> None:
    """Write a model folder, the weights in half precision; each file appears whole or not at all.

    Args:
        folder: Made if need be.
        network: The trained detector.
        config: What it was built with.
        info: What else to keep about the training, as JSON.
    """
    state = {
        key: value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    write_folder(folder, _WEIGHTS, state, {"kind": KIND, "detector": dataclasses.asdict(config)}, info)


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
        network = build_detector(embedded_structure(), config)
        expected, calibration = raw["weights_sha256"], from_dict(Calibration, raw.get("calibration", {}))
    except (ConfigError, KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"{folder / _CONFIG} was not written by this version of Slotlight ({fault}); distil the model again."
        ) from fault
    _fill(network, folder / _WEIGHTS, expected)
    network = network.to(device)
    return DetectorSegmenter(
        name or folder.name, network, config, precision=precision, calibration=calibration
    )


def _fill(network: MaskRCNN, path: Path, expected: str) -> None:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError("its content does not match config.json")
        network.load_state_dict(load(content))
    except (OSError, SafetensorError, ValueError, RuntimeError) as fault:
        reason = str(fault).splitlines()[0]
        raise CheckpointError(f"{path} is damaged ({reason}); copy the whole folder again.") from fault
