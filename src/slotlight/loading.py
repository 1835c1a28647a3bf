"""A name or a folder → a `Discoverer`: the embedded model, a trained one, a floor or a baseline."""

from pathlib import Path

import torch

from slotlight.backbones import load_backbone
from slotlight.baselines import BASELINES, build_baseline
from slotlight.config import EMBEDDED, ObjectRule, Precision
from slotlight.detector.checkpoint import is_detector, load_detector
from slotlight.devices import pick_device
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import CheckpointError, ConfigError, UnknownNameError
from slotlight.files import pretrained
from slotlight.model.checkpoint import load_model
from slotlight.segmenter import Segmenter


def load(
    name: str | Path = EMBEDDED,
    *,
    weights: Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    rule: ObjectRule | None = None,
) -> Discoverer:
    """Load whatever finds objects, ready to use.

    Args:
        name: ``embedded`` (the model in the package), a folder that `slotlight.train` or `slotlight.distil`
            wrote, or a floor or baseline by name. Baselines that read features take a backbone after an ``@``, such as
            ``tokencut@dino-vits16``, or a model's folder, whose features they then read; without it they read
            the embedded one's.
        weights: A local file with the backbone's weights; without it they come from the package or the hub.
        device: ``cpu``, ``cuda``, ``mps``, ...; ``auto`` takes the first accelerator there is.
        precision: ``fp32`` or ``bf16``.
        rule: Which scored slots become objects.

    Raises:
        UnknownNameError: Neither a folder nor a known name.
        CheckpointError: The folder is not a model.
        WeightsError: A backbone's weights are out of reach.
    """
    segmenter = _segmenter(str(name), weights, pick_device(device), precision)
    return Discoverer(segmenter, rule=rule)


def _segmenter(name: str, weights: Path | None, device: torch.device, precision: Precision) -> Segmenter:
    method, sign, backbone_name = name.partition("@")
    if sign and not backbone_name:
        raise ConfigError(f"The model {name!r} names no backbone after the @; add one, or leave the @ out.")
    if name == EMBEDDED:
        _refuse(name, weights=weights is not None)
        return load_model(pretrained(), name=EMBEDDED, device=device, precision=precision)
    if method in BASELINES:
        return _baseline(method, backbone_name, weights, device, precision)
    if Path(name).is_dir() and is_detector(Path(name)):
        _refuse(name, weights=weights is not None)
        return load_detector(Path(name), device=device, precision=precision)
    if Path(name).is_dir():
        return load_model(Path(name), weights=weights, device=device, precision=precision)
    if Path(name).exists() or "/" in name:
        raise CheckpointError(
            f"{name} is not a model folder; give a folder that `slotlight train` wrote, or a name."
        )
    raise UnknownNameError("model", name, [EMBEDDED, *BASELINES])


def _baseline(
    method: str, backbone_name: str, weights: Path | None, device: torch.device, precision: Precision
) -> Segmenter:
    if not BASELINES[method].needs_backbone:
        _refuse(
            method, weights=weights is not None, precision=precision != "fp32", backbone=bool(backbone_name)
        )
        return build_baseline(method)
    if backbone_name and Path(backbone_name).is_dir():
        model = load_model(Path(backbone_name), weights=weights, device=device)
        return build_baseline(method, model.backbone, precision=precision)
    name = backbone_name or EMBEDDED
    if name == EMBEDDED:
        _refuse(f"{method}@{EMBEDDED}", weights=weights is not None)
    backbone = load_backbone(name, weights=weights, device=device)
    return build_baseline(method, backbone, precision=precision)


def _refuse(name: str, **given: bool) -> None:
    """An option that would be ignored is refused."""
    for option, is_given in given.items():
        if is_given:
            raise ConfigError(f"The model {name!r} does not use {option}; leave it out.")
