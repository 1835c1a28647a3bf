"""A trained model ↔ a folder: ``slots.safetensors`` and ``config.json``. Nothing is pickled; loading runs no code.

The backbone is frozen and not in the folder; ``config.json`` names it and holds the fingerprint of its weights.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from slotlight.backbones import Backbone, load_chosen
from slotlight.config import Calibration, ModelConfig, Precision
from slotlight.errors import CheckpointError, ConfigError
from slotlight.files import digest, whole_file, write_text
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import SlotModel, build_slot_model

FORMAT = 2
_WEIGHTS, _CONFIG = "slots.safetensors", "config.json"
T = TypeVar("T")


def save_model(
    folder: Path, model: SlotModel, backbone: Backbone, info: dict[str, Any] | None = None
) -> None:
    """Write a model folder; each file appears whole or not at all.

    A kill between the two files leaves weights that the old ``config.json`` does not know: `load_model` says so.

    Args:
        folder: Made if need be.
        model: The trained model.
        backbone: The backbone whose features it was trained on; only its name and fingerprint are kept.
        info: What else to keep about the training, as JSON.
    """
    about = {
        "model": dataclasses.asdict(model.config),
        "feature_dim": backbone.dim,
        "grid": list(model.grid),
        "backbone_fingerprint": backbone.fingerprint(),
    }
    write_folder(folder, _WEIGHTS, model.state_dict(), about, info or {})


def write_folder(
    folder: Path, name: str, state: Mapping[str, Tensor], about: dict[str, Any], info: dict[str, Any]
) -> None:
    """Write a model folder of any kind: its weights, and ``config.json`` with the digests of both.

    Args:
        folder: Made if need be.
        name: Of the file of weights.
        state: The weights.
        about: Everything that is needed to build the model again.
        info: What else to keep about the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({key: value.detach().cpu().contiguous() for key, value in state.items()})
    with whole_file(folder / name) as partial:
        partial.write_bytes(weights)
    sha256 = hashlib.sha256(weights).hexdigest()
    config = {"format": FORMAT, **about, "weights_sha256": sha256, "info": info}
    config = json.loads(json.dumps(config, default=str))
    write_text(folder / _CONFIG, [json.dumps(config | {"digest": digest(config)}, indent=2), "\n"])


def load_model(
    folder: Path,
    *,
    name: str | None = None,
    backbone: Backbone | None = None,
    weights: Path | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
) -> ModelSegmenter:
    """Load a model folder, and the backbone that it names unless this is given.

    Args:
        folder: What `save_model` wrote.
        name: What tables call it; without it, the folder's name.
        backbone: The one it was trained on, already on the device.
        weights: The backbone's weights, where they are no longer where they were in training.
        device: Where to put it.
        precision: Arithmetic of the forward pass.

    Raises:
        CheckpointError: The folder is not a model, is damaged, or was trained on another backbone's features.
        WeightsError: The backbone's weights are out of reach.
    """
    raw = read_config(folder)
    try:
        rows, columns = raw["grid"]
        model = build_slot_model(
            from_dict(ModelConfig, raw["model"]), int(raw["feature_dim"]), (int(rows), int(columns))
        )
        fingerprint, weights_digest = raw["backbone_fingerprint"], raw["weights_sha256"]
        calibration = from_dict(Calibration, raw.get("calibration", {}))
    except (ConfigError, KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as fault:
        raise CheckpointError(
            f"{folder / _CONFIG} was not written by this version of Slotlight ({fault}); retrain the model."
        ) from fault
    _fill(model, folder, weights_digest)
    chosen = model.config.backbone
    backbone = backbone or load_chosen(chosen, weights=weights, device=device)
    if backbone.fingerprint() != fingerprint:
        raise CheckpointError(
            f"{folder} was trained on other features than those of this {chosen.name!r}; "
            "pass the weights file it was trained with."
        )
    model = model.to(device)
    return ModelSegmenter(name or folder.name, backbone, model, precision=precision, calibration=calibration)


def save_calibrated(folder: Path, out: Path, calibration: Calibration, info: dict[str, Any]) -> None:
    """Write a copy of a model folder, of any kind, whose scores are calibrated.

    Args:
        folder: What `save_model` or another wrote.
        out: A new or empty folder.
        calibration: In place of the model's own.
        info: How it was found, as JSON.

    Raises:
        CheckpointError: The folder is not a model, or its weights cannot be read.
    """
    config = read_config(folder)
    config |= {"calibration": dataclasses.asdict(calibration)}
    config["info"] = config.get("info", {}) | {"calibration": info}
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.safetensors")):
        if hashlib.sha256(content := path.read_bytes()).hexdigest() == config["weights_sha256"]:
            with whole_file(out / path.name) as partial:
                partial.write_bytes(content)
            break
    else:
        raise CheckpointError(f"The weights of {folder} are missing or damaged; copy the whole folder again.")
    write_text(out / _CONFIG, [json.dumps(config | {"digest": digest(config)}, indent=2), "\n"])


def from_dict(kind: type[T], values: Any) -> T:
    """Build a (nested) frozen dataclass from JSON, checking names and choices.

    Raises:
        ValueError: A name or value that the dataclass does not have.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{values!r} where {kind.__name__} was expected")
    hints = get_type_hints(kind)
    if unknown := set(values) - set(hints):
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return kind(**{name: _as(hints[name], value, name) for name, value in values.items()})


def _as(hint: Any, value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{name} is {value!r}; valid: {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) in (Union, UnionType):
        return None if value is None else _as(get_args(hint)[0], value, name)
    return hint(value)


def read_config(folder: Path) -> dict[str, Any]:
    """The checked content of a model folder's ``config.json``.

    Raises:
        CheckpointError: It is missing, damaged, changed or of another version.
    """
    path = folder / _CONFIG
    if not path.is_file():
        raise CheckpointError(f"{folder} is not a model folder: {_CONFIG} is missing.")
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
    except (ValueError, OSError) as fault:
        raise CheckpointError(f"{path} is damaged ({fault}); copy it again or retrain the model.") from fault
    if isinstance(raw, dict) and raw.get("format") == 1:
        return _from_format_1(raw, path)
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was not written by this version of Slotlight (format {FORMAT}); retrain the model."
        )
    if raw.pop("digest", None) != digest(raw):
        raise CheckpointError(
            f"{path} was changed after training or is damaged; copy the whole folder again from its source."
        )
    return raw


def _from_format_1(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """A config of Slotlight 0.1.0, which merged the background of every model and kept fewer numbers."""
    try:
        model = dict(raw["model"])
        model["slots"] = model["slots"] | {
            "start": {"clustering": "kmeans"}.get(model["slots"]["start"], model["slots"]["start"])
        }
        model["heuristics"] = {
            "foreground_weight": model.pop("figure_weight"),
            "group_within": model.pop("group_within"),
            "refine": model.pop("refine"),
            "merge_background": True,
        }
    except (KeyError, TypeError) as fault:
        raise CheckpointError(f"{path} is damaged: {fault} is missing or has another form.") from fault
    return raw | {"model": model}


def _fill(model: SlotModel, folder: Path, weights_digest: str) -> None:
    path = folder / _WEIGHTS
    try:
        weights = path.read_bytes()
        state = load(weights)
    except FileNotFoundError as fault:
        raise CheckpointError(f"{folder} lacks {_WEIGHTS}; copy the whole folder.") from fault
    except (SafetensorError, OSError) as fault:
        raise CheckpointError(f"{path} is truncated or damaged ({fault}); copy it again.") from fault
    try:
        model.load_state_dict(state)
    except RuntimeError as fault:
        reason = str(fault).splitlines()[-1].strip()
        raise CheckpointError(f"{path} does not fit its {_CONFIG}: {reason[:200]}") from fault
    if hashlib.sha256(weights).hexdigest() != weights_digest:
        raise CheckpointError(
            f"{path} and {_CONFIG} belong to different models; copy both again, or resume the training."
        )
