import random
from pathlib import Path

import pytest
import torch
from torch import nn

from slotlight.errors import CheckpointError, OutputError
from slotlight.training.state import load_state, save_state


def trained(steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Some layers, one of them frozen, after some steps."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2).requires_grad_(False))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    go_on(model, optimizer, range(steps))
    return model, optimizer


def go_on(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        torch.manual_seed(step)
        optimizer.zero_grad()
        model(torch.randn(5, 3)).square().mean().backward()
        optimizer.step()


def test_a_restored_run_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    save_state(tmp_path / "state", 3, "a run", *trained(3))
    state = load_state(tmp_path / "state")
    assert (state.step, state.run) == (3, "a run")
    model, optimizer = trained(0)
    state.restore(model, optimizer)
    go_on(model, optimizer, range(3, 6))
    expected = trained(6)[0].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_no_flipped_bit_and_no_cut_goes_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, 3, "a run", *trained(3))
    sound, drawn = path.read_bytes(), random.Random(0)
    expected = load_state(path)
    for _ in range(200):
        place, bit = drawn.randrange(len(sound)), 1 << drawn.randrange(8)
        path.write_bytes(sound[:place] + bytes([sound[place] ^ bit]) + sound[place + 1 :])
        try:
            found = load_state(path)
        except CheckpointError:
            continue
        # What changed means nothing, such as the order of entries in the header.
        assert (found.step, found.run) == (expected.step, expected.run)
        assert all(torch.equal(value, expected.tensors[name]) for name, value in found.tensors.items())
    for length in (0, 7, 100, len(sound) - 1):
        path.write_bytes(sound[:length])
        with pytest.raises(CheckpointError, match="is damaged or not the state"):
            load_state(path)


def test_a_state_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        save_state(tmp_path / "file" / "state", 3, "a run", *trained(1))
