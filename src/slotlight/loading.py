"""A name or a folder → a `Discoverer`: the embedded model, a trained one, a floor or a baseline."""

import platform
from importlib.resources import files
from pathlib import Path

import torch

from slotlight.backbones import load_backbone
from slotlight.baselines import BASELINES, build_baseline
from slotlight.checkpoint import load_model
from slotlight.config import EMBEDDED, Precision
from slotlight.discovery import Discoverer
from slotlight.errors import CheckpointError, UnknownNameError
from slotlight.objects import ObjectRule, Segmenter


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
        name: ``embedded`` (the model in the package), a folder that `slotlight.train` wrote, or a floor or
            baseline by name. Baselines that read features take a backbone after an ``@``, such as
            ``tokencut@dino-vits16``; without it they read the embedded one's.
        weights: A local file with the backbone's weights; without it they come from the package or the hub.
        device: ``cpu``, ``cuda``, ``mps``, ...; ``auto`` takes the first accelerator there is.
        precision: ``fp32`` or ``bf16``.
        rule: Which scored slots become objects.

    Raises:
        UnknownNameError: Neither a folder nor a known name.
        CheckpointError: The folder is no model.
        WeightsError: A backbone's weights are out of reach.
    """
    segmenter = _segmenter(str(name), weights, pick_device(device), precision)
    return Discoverer(segmenter, rule=rule)


def pick_device(name: str) -> torch.device:
    """``auto`` → the accelerator of this machine, or its processor; any other name as torch knows it.

    Raises:
        UnknownNameError: No such device here.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return found or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as fault:
        valid = ["auto", "cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        raise UnknownNameError("device", name, valid) from fault
    return device


def device_name(device: torch.device) -> str:
    """A device in words, for reports: what it is, and of a processor how many threads are used."""
    if device.type == "cuda":
        return f"{device.type} ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({processor_name()}, {torch.get_num_threads()} threads)"


def processor_name() -> str:
    """The processor's model, or where the system does not tell it, its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _segmenter(name: str, weights: Path | None, device: torch.device, precision: Precision) -> Segmenter:
    if name == EMBEDDED:
        folder = Path(str(files("slotlight") / "pretrained"))
        return load_model(folder, name=EMBEDDED, device=device, precision=precision)
    method, _, backbone_name = name.partition("@")
    if method in BASELINES:
        backbone = None
        if BASELINES[method].needs_backbone:
            backbone = load_backbone(backbone_name or EMBEDDED, weights=weights, device=device)
        return build_baseline(method, backbone)
    if Path(name).is_dir():
        return load_model(Path(name), weights=weights, device=device, precision=precision)
    if Path(name).exists() or "/" in name:
        raise CheckpointError(
            f"{name} is no model folder; give a folder that `slotlight train` wrote, or a name."
        )
    raise UnknownNameError("model", name, [EMBEDDED, *BASELINES])
