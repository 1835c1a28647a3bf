"""A name or a folder → a segmenter: the embedded model, a trained one, a floor or a baseline."""

from pathlib import Path

import torch

from slotlight.backbones import load_backbone
from slotlight.baselines import BASELINES, build_baseline
from slotlight.config import EMBEDDED, Precision
from slotlight.detector.checkpoint import is_detector, load_detector
from slotlight.devices import mention_slow_precision, pick_device
from slotlight.errors import CheckpointError, ConfigError, UnknownNameError, refuse
from slotlight.files import pretrained
from slotlight.hub.names import HubName, hub_name
from slotlight.model.checkpoint import load_model
from slotlight.segmenter import Segmenter


def choose_segmenter(name: str, weights: Path | None, device_name: str, precision: Precision) -> Segmenter:
    """Load what `slotlight.load` names, but for graphs."""
    device = pick_device(device_name)
    mention_slow_precision(device, precision)
    method, sign, backbone_name = name.partition("@")
    if sign and not backbone_name:
        raise ConfigError(f"The model {name!r} has nothing after the @; add a backbone, or leave out the @.")
    if name == EMBEDDED:
        refuse(name, weights=weights is not None)
        return load_model(pretrained(), name=EMBEDDED, device=device, precision=precision)
    if method in BASELINES:
        return _baseline(method, backbone_name, weights, device, precision)
    if Path(name).is_dir() and is_detector(Path(name)):
        refuse(name, weights=weights is not None)
        return load_detector(Path(name), device=device, precision=precision)
    if Path(name).is_dir():
        return load_model(Path(name), weights=weights, device=device, precision=precision)
    if name_on_hub := hub_name(name):
        return _from_hub(name_on_hub, weights, device, precision)
    if Path(name).exists() or "/" in name:
        raise CheckpointError(
            f"{name} is not a model folder; give a folder that `slotlight train` wrote, or a name."
        )
    raise UnknownNameError("model", name, [EMBEDDED, *BASELINES])


def _from_hub(name: HubName, weights: Path | None, device: torch.device, precision: Precision) -> Segmenter:
    from slotlight.hub.fetching import BACKBONE, fetch_model

    folder = fetch_model(name)
    if is_detector(folder):
        refuse(str(name), weights=weights is not None)
        return load_detector(folder, name=str(name), device=device, precision=precision)
    pushed = folder / BACKBONE
    weights = weights or (pushed if pushed.is_file() else None)
    return load_model(folder, name=str(name), weights=weights, device=device, precision=precision)


def _baseline(
    method: str, backbone_name: str, weights: Path | None, device: torch.device, precision: Precision
) -> Segmenter:
    if not BASELINES[method].needs_backbone:
        refuse(
            method, weights=weights is not None, precision=precision != "fp32", backbone=bool(backbone_name)
        )
        return build_baseline(method)
    if backbone_name and Path(backbone_name).is_dir():
        model = load_model(Path(backbone_name), weights=weights, device=device)
        return build_baseline(method, model.backbone, precision=precision)
    name = backbone_name or EMBEDDED
    if name == EMBEDDED:
        refuse(f"{method}@{EMBEDDED}", weights=weights is not None)
    backbone = load_backbone(name, weights=weights, device=device)
    return build_baseline(method, backbone, precision=precision)
