import csv
import signal
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD

from slotlight.config import TrainConfig
from slotlight.errors import TrainingError
from slotlight.training import steps as module
from slotlight.training.state import load_state
from slotlight.training.steps import TrainingSteps

FINITE, INFINITE = torch.tensor(1.0), torch.tensor(torch.inf)


def run(folder: Path, config: TrainConfig, *, start: int = 0, **events: int) -> list[int]:
    """Steps that only count; events happen at the step they name, divergence from there on."""
    model = nn.Linear(1, 1)
    steps = TrainingSteps(
        *("training", model, SGD(model.parameters(), lr=0.1), config),
        start=start,
        run="a run",
        state=folder / "state.safetensors",
        logs=folder / "logs",
    )
    done = []
    with steps:
        for step, _ in steps.over(range(start, config.steps)):
            if step == events.get("interrupted"):
                signal.raise_signal(signal.SIGINT)
            done.append(
                steps.count(FINITE, INFINITE if step >= events.get("diverged", config.steps) else FINITE)
            )
    return done


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps whose states are saved."""
    found: list[int] = []
    monkeypatch.setattr(module, "save_state", lambda _, step, *__: found.append(step))
    return found


def test_states_are_saved_every_so_many_steps_and_at_the_end(tmp_path: Path, saved: list[int]) -> None:
    assert run(tmp_path, TrainConfig(steps=8, checkpoint_every=3)) == list(range(1, 9))
    assert saved == [3, 6, 8]


def test_a_state_is_saved_every_two_minutes_however_slow_the_steps(
    tmp_path: Path, saved: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVE_WITHIN_S", 0.0)
    run(tmp_path, TrainConfig(steps=3))
    assert saved == [1, 2, 3]


def test_a_signal_stops_after_its_step_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, TrainConfig(steps=9), interrupted=4)
    state = load_state(tmp_path / "state.safetensors")
    assert (state.step, state.run) == (5, "a run")
    assert run(tmp_path, TrainConfig(steps=9), start=state.step) == [6, 7, 8, 9]


def test_loss_and_rate_are_logged_at_checks_and_at_the_end(tmp_path: Path) -> None:
    run(tmp_path, TrainConfig(steps=45))
    rows = list(csv.DictReader((tmp_path / "logs/metrics.csv").open()))
    assert [(row["step"], row["loss"], row["learning_rate"]) for row in rows] == [
        (step, "1.0", "0.1") for step in ("20", "40", "45")
    ]


def test_divergence_is_named_and_no_state_from_there_on_is_saved(tmp_path: Path, saved: list[int]) -> None:
    with pytest.raises(TrainingError, match=r"diverged at step 8,.*lower learning rate \(now 0.0004\)"):
        run(tmp_path, TrainConfig(steps=40, checkpoint_every=1), diverged=7)
    assert saved == list(range(1, 8))
