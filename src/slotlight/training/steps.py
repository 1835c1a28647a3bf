"""What every training does around its steps: it counts, logs and saves them, and stops between two of them.

Unusual: nothing in a step waits for the device. Whether the gradient is finite is noted there, and checked every
`CHECK_EVERY` steps and before a state is saved.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from slotlight.config import TrainConfig
from slotlight.errors import TrainingError
from slotlight.progress import ProgressReport
from slotlight.training.interruption import Interruption
from slotlight.training.logs import Logs
from slotlight.training.state import save_state

Batch = TypeVar("Batch")

CHECK_EVERY = 20
"""Steps between checks of the loss and the gradient: each waits for the device."""

SAVE_WITHIN_S = 120.0
"""The most time between two saved states, however long a step takes: what a kill can cost."""


class TrainingSteps:
    """The steps of one training, as a context: their progress, their logs, the saved state, signals to stop.

    Args:
        work: What the progress calls them, in a word or two.
        model: What learns.
        optimizer: Made with the model's parameters.
        config: How many steps there are, and how far apart states are saved.
        start: Steps done before.
        run: What identifies the run in its state.
        state: The file of the state.
        logs: The folder of the logs.
        leads: Whether this is the one process that saves and logs.
        shown: Whether to show progress.

    Example:
        >>> model, files = nn.Linear(1, 1), {"state": Path("state.safetensors"), "logs": Path("logs")}
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with TrainingSteps("training", model, sgd, TrainConfig(steps=2), run="", **files) as steps:
        ...     for step, batch in steps.over([torch.ones(1, 1), torch.zeros(1, 1)]):
        ...         sgd.zero_grad()
        ...         loss = model(batch).square().mean()
        ...         loss.backward()
        ...         sgd.step()
        ...         done = steps.count(loss, gradient_norm=loss.detach())
        >>> done, files["state"].exists()
        (2, True)
    """

    def __init__(
        self,
        work: str,
        model: nn.Module,
        optimizer: Optimizer,
        config: TrainConfig,
        *,
        start: int = 0,
        run: str,
        state: Path,
        logs: Path,
        leads: bool = True,
        shown: bool = True,
    ) -> None:
        self.model, self.optimizer, self.config, self.done = model, optimizer, config, start
        self.run, self.state, self.leads = run, state, leads
        self._progress = ProgressReport(work, config.steps, start, shown=shown)
        self._logs = Logs(logs, on=leads)
        self._interruption, self._open = Interruption(), ExitStack()
        self._last_finite = torch.tensor(start, device=next(model.parameters()).device)
        self._values: dict[str, float] = {}
        self._stop = False

    def __enter__(self) -> "TrainingSteps":
        for context in (self._progress, self._logs, self._interruption):
            self._open.enter_context(context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def say(self, sentence: str) -> None:
        """Print a line above the progress."""
        self._progress.say(sentence)

    def over(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Batch]]:
        """Each step's number and batch; when the next one is asked for, this one is saved and logged as is due.

        Raises:
            OutputError: The state cannot be saved.
        """
        saved_at = time.monotonic()
        for step, batch in enumerate(batches, self.done):
            yield step, batch
            overdue = time.monotonic() - saved_at >= SAVE_WITHIN_S
            if self.leads and (self.done % self.config.checkpoint_every == 0 or overdue or self._must_end):
                if int(self._last_finite) == self.done:
                    save_state(self.state, self.done, self.run, self.model, self.optimizer)
                saved_at = time.monotonic()
            if self._values:
                self._logs.write(self.done, self._values)
            if self._stop:
                self.say(f"Stopped after step {self.done:,}; the same command resumes from there.")
                self._interruption.deliver()

    def count(self, loss: Float[Tensor, ""], gradient_norm: Float[Tensor, ""]) -> int:
        """Count a step that the optimiser has taken.

        Returns:
            The number of steps done.

        Raises:
            TrainingError: The gradient is not finite.
        """
        self.done += 1
        self._last_finite = torch.where(gradient_norm.isfinite(), self.done, self._last_finite)
        self._stop = self._interruption.pending
        self._values = {}
        if self.done % CHECK_EVERY == 0 or self._must_end:
            self._require_finite()
            rate = self.optimizer.param_groups[0]["lr"]
            self._values = {"loss": float(loss.detach()), "learning_rate": rate}
        self._progress.update(self.done)
        return self.done

    def log(self, values: Mapping[str, float]) -> None:
        """Log more of this step."""
        self._values |= values

    @property
    def _must_end(self) -> bool:
        return self._stop or self.done == self.config.steps

    def _require_finite(self) -> None:
        if (step := int(self._last_finite)) < self.done:
            raise TrainingError(
                f"Training diverged at step {step + 1}, where the gradient is not finite; pass --start-over and a "
                f"lower learning rate (now {self.config.learning_rate:g})."
            )


def step_seed(seed: int, step: int) -> int:
    """What seeds all that is drawn in a step, in every process alike."""
    return int(np.random.default_rng((seed, step, 0)).integers(2**63))
