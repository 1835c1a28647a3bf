"""Where a training run stands ↔ ``state.safetensors``: the step, the weights, Adam's two moments.

That is the whole state, because the learning rate is a function of the step, and all that is random (the order of
photographs, the slots' noise, the dealing of heads) is a function of the seed, the step and the process. So there is no
random generator, scheduler or loader to save, and nothing is pickled.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from slotlight.errors import CheckpointError

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class TrainingState:
    """A run between two steps.

    Attributes:
        step: Optimiser steps done.
        settings: What the run was asked, as JSON has it.
        tensors: ``weights.NAME``, and ``exp_avg.NAME`` and ``exp_avg_sq.NAME`` of Adam.
    """

    step: int
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    def restore_weights(self, model: nn.Module) -> None:
        """Give a model its weights."""
        model.load_state_dict(self._part("weights"))

    def restore_moments(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Give the Adam of a model's parameters its moments."""
        moments = {kind: self._part(kind) for kind in _MOMENTS}
        state = {
            index: {
                "step": torch.tensor(float(self.step)),
                **{kind: moments[kind][name] for kind in _MOMENTS},
            }
            for index, (name, _) in enumerate(model.named_parameters())
        }
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

    def _part(self, kind: str) -> dict[str, Tensor]:
        return {k.removeprefix(f"{kind}."): v for k, v in self.tensors.items() if k.startswith(f"{kind}.")}


def save_state(
    path: Path, step: int, settings: dict[str, Any], model: nn.Module, optimizer: Optimizer
) -> None:
    """Write the state of a run; a kill at any moment leaves the former file or the new one, whole."""
    tensors = {f"weights.{name}": value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        tensors |= {f"{kind}.{name}": optimizer.state[parameter][kind] for kind in _MOMENTS}
    unfinished = path.with_suffix(".unfinished")
    metadata = {"step": str(step), "settings": json.dumps(settings)}
    save_file({name: value.contiguous() for name, value in tensors.items()}, unfinished, metadata)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_state(path: Path) -> TrainingState:
    """Read the state of a run.

    Raises:
        CheckpointError: The file is damaged or no such state.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return TrainingState(int(metadata["step"]), json.loads(metadata["settings"]), tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or not the state of a training run ({error}); delete it to start anew."
        ) from error
