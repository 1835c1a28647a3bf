"""SIGKILL, SIGTERM and SIGINT at random moments of every command; the same command then goes on to the same result."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Command, Ended, contents
from damage import Drill
from small_runs import COMMANDS, difference, result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(14400)]

KILLS = 51
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


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
    (photographs / "pictures/broken.jpg").write_bytes(b"\xff\xd8 no photograph")
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
        drill.note(f"{name}, after it", fault or difference(result(out), expected), ended.seconds)
        shutil.rmtree(out)
    assert before == {folder: contents(photographs / folder) for folder in ("pictures", "masks")}
    drill.check(KILLS)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_kills_while_starting(
    photographs: Path, drill: Drill, rng: random.Random, number: signal.Signals
) -> None:
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
        output, _ = process.communicate(timeout=900)
        status = 128 - process.returncode if process.returncode < 0 else process.returncode
        drill.note(number.name, fault_of(Ended(status, output, 0, 0), number), 0)
    drill.check(10)
