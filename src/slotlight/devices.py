"""Choose, name and prepare a device."""

import logging
import os
import platform
from pathlib import Path

# Photographs come in many sizes, and oneDNN keeps kernels with their workspace for each, torch what leads to them:
# memory that grows for long. Both read these when they first compute.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
os.environ.setdefault("LRU_CACHE_CAPACITY", "64")

import torch

from slotlight.config import Precision
from slotlight.errors import ConfigError, UnknownNameError

_LOG = logging.getLogger("slotlight")


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
        if device.type == "cpu" and device.index is not None:
            raise RuntimeError("processors have no numbers")
        torch.zeros(1, device=device).item()  # a device that only pretends (`meta`) has no value to give
    except Exception as fault:  # backends that are not there raise what they like
        valid = ["auto", "cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        raise UnknownNameError("device", name, valid) from fault
    return device


def check_devices(device: torch.device, count: int) -> None:
    """Refuse to share work between more devices than there are.

    Raises:
        ConfigError: There are fewer, or one of several is named.
    """
    if count < 1:
        raise ConfigError(f"devices is {count}; it must be at least 1.")
    if count > 1 and device.index is not None:
        raise ConfigError(f"{device} is one device, but devices is {count}; choose the device {device.type}.")
    own = {"cuda": torch.cuda.device_count(), "cpu": max(2, os.cpu_count() or 1)}
    if count > (most := own.get(device.type, 1)):
        raise ConfigError(f"devices is {count}, but this machine has {most} for {device.type}; choose fewer.")


def mention_slow_precision(device: torch.device, precision: Precision) -> None:
    """Warn where a processor has no bfloat16 arithmetic, and torch emulates it at a tenth of the speed of fp32."""
    if precision == "bf16" and device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        _LOG.warning(
            "This processor has no bfloat16 arithmetic, so that --precision bf16 takes several times as long as fp32."
        )


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
