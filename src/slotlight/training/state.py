"""Where a training run stands ↔ ``state.safetensors``: the step, the weights, the optimiser's moments.

That is the whole state, because the learning rate is a function of the step, and all that is random (the order of
photographs, the slots' noise, the assignment of heads) is a function of the seed, the step and the process. So there is
no random generator, scheduler or loader to save, and nothing is pickled. A digest of everything lies in the same file,
so that a single flipped bit is noticed.
"""

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from slotlight.errors import CheckpointError, OutputError
from slotlight.files import whole_file
from slotlight.tensors import tensors_digest

STATE = "state.safetensors"


@dataclass(frozen=True)
class TrainingState:
    """A run between two steps.

    Attributes:
        step: Optimiser steps done.
        run: Which run it is of, in whatever words its writer chose.
        tensors: ``weights.NAME``, and ``optimizer.KIND.NAME`` for what the optimiser keeps of that parameter.
    """

    step: int
    run: str
    tensors: dict[str, Tensor]

    def restore(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Give a model its weights, and the optimiser of its parameters its moments."""
        model.load_state_dict(self._part("weights"))
        kept: dict[str, dict[str, Tensor]] = {}
        for key, value in self._part("optimizer").items():
            kind, name = key.split(".", 1)
            kept.setdefault(name, {})[kind] = value
        names = {parameter: name for name, parameter in model.named_parameters()}
        learning = optimizer.param_groups[0]["params"]
        state = {n: kept[names[one]] for n, one in enumerate(learning) if names[one] in kept}
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})

    def _part(self, prefix: str) -> dict[str, Tensor]:
        return {
            key.removeprefix(f"{prefix}."): value
            for key, value in self.tensors.items()
            if key.startswith(f"{prefix}.")
        }


def save_state(path: Path, step: int, run: str, model: nn.Module, optimizer: Optimizer) -> None:
    """Write the state of a run; a kill at any moment leaves the former file or the new one, whole.

    Args:
        path: Where to.
        step: Optimiser steps done.
        run: Which run it is of; `load_state` gives it back, to be compared.
        model: What learns.
        optimizer: Made with parameters of the model, in one group.

    Raises:
        OutputError: The file cannot be written.
    """
    tensors = {f"weights.{name}": value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for kind, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{kind}.{name}"] = value
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    about = {"step": str(step), "run": run, "digest": tensors_digest(tensors, f"{step} {run}")}
    try:
        with whole_file(path) as partial:
            save_file(tensors, partial, about)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path} cannot be written: {error}.") from error


def load_state(path: Path) -> TrainingState:
    """Read the state of a run.

    Raises:
        CheckpointError: The file is damaged or is not such a state.
    """
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about["digest"] != tensors_digest(tensors, f"{about['step']} {about['run']}"):
            raise ValueError("its content does not match its digest")
        return TrainingState(int(about["step"]), about["run"], tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or not the state of a training run ({error}); delete it to start from scratch."
        ) from error
