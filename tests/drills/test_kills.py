"""SIGKILL, SIGTERM and SIGINT at random moments of every command; the same command then goes on to the same result."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Command, Ended, contents
from damage import Drill
from slotlight.tensors import tensors_digest
from slotlight.training.state import load_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = 51
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PHOTOGRAPHS = 6

COMMANDS: dict[str, tuple[str, ...]] = {
    "discover": ("discover", "pictures"),
    "train": (
        *("train", "pictures", "--steps", "40", "--batch-size", "2", "--checkpoint-every", "5"),
        *("--image-size", "64", "--slots", "3", "--heads", "2"),
    ),
    "evaluate": (
        *("evaluate", "--data", "pictures", "--masks", "masks", "--mask-kind", "instances", "--protocol", "masks", "corloc"),
        *("--no-floors", "--batch-size", "2"),
    ),
}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with photographs, and one with their masks."""
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (tmp_path / name).mkdir()
    for number in range(PHOTOGRAPHS):
        levels = rng.integers(90, 130, (64, 48 + 16 * (number % 3), 3), dtype=np.uint8)
        levels[10:40, 12:36] = rng.integers(0, 256, 3)
        mask = np.zeros(levels.shape[:2], np.uint8)
        mask[10:40, 12:36] = 255
        Image.fromarray(levels).save(tmp_path / f"pictures/{number}.jpg")
        Image.fromarray(mask).save(tmp_path / f"masks/{number}.png")
    (tmp_path / "pictures/broken.jpg").write_bytes(b"\xff\xd8 no photograph")
    return tmp_path


def result(out: Path) -> dict[str, object]:
    """What a command's folder says, but for what tells of the attempts that it took."""
    found: dict[str, object] = {
        name: digest
        for name, digest in contents(out).items()
        if not name.startswith((".slotlight", ".progress", "logs/", "images/", "features/")) and "report." not in name
    }
    if (report := out / "report.json").is_file():
        found["tables"] = json.loads(report.read_text())["tables"]
    if (state := out / "state.safetensors").is_file():  # whose header has no fixed order
        loaded = load_state(state)
        found[state.name] = (loaded.step, loaded.run, tensors_digest(loaded.tensors))
    return found


def fault_of(ended: Ended, number: int) -> str:
    """What is wrong with the end of a command that was sent a signal, or nothing."""
    if ended.fault:
        return ended.fault
    if ended.status not in (0, 1, 128 + number):
        return f"exit status {ended.status}: {ended.output[-300:]}"
    return ""


@pytest.mark.parametrize("name", COMMANDS)
def test_kills(
    command: Callable[..., Command], photographs: Path, drill: Drill, rng: random.Random, name: str
) -> None:
    before = {folder: contents(photographs / folder) for folder in ("pictures", "masks")}
    out = photographs / "out"
    arguments = (*COMMANDS[name], *(("--on-error", "skip") if name == "evaluate" else ()), "--out", out)
    whole = command(*arguments).end()
    assert not whole.fault
    assert whole.status == (1 if name == "discover" else 0), whole.output
    expected = result(out)
    shutil.rmtree(out)
    stopped = 0
    while stopped < KILLS:
        for _ in range(rng.choice((1, 2, 3))):  # on the way to one result
            number = SIGNALS[stopped % len(SIGNALS)]
            running = command(*arguments)
            time.sleep(rng.uniform(0, whole.seconds))
            running.send(number)
            ended = running.end()
            drill.note(f"{name}, {number.name}", fault_of(ended, number), ended.seconds)
            stopped += ended.status == 128 + number
        ended = command(*arguments).end()
        fault = ended.fault or ("" if ended.status == whole.status else ended.output[-500:])
        found = result(out)
        differ = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        drill.note(f"{name}, after it", fault or (f"differ: {differ}" if differ else ""), ended.seconds)
        shutil.rmtree(out)
    assert before == {folder: contents(photographs / folder) for folder in ("pictures", "masks")}
    drill.check(KILLS)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_kills_while_starting(photographs: Path, drill: Drill, rng: random.Random, number: signal.Signals) -> None:
    """From the first line of Python on: most of a small command's time are imports."""
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-m", "slotlight", "discover", "pictures", "--out", "out"],
            cwd=photographs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        time.sleep(0.3 + rng.uniform(0, 3))
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
        status = 128 - process.returncode if process.returncode < 0 else process.returncode
        drill.note(number.name, fault_of(Ended(status, output, 0, 0), number), 0)
    drill.check(10)
