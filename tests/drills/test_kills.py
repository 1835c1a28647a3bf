"""SIGKILL, SIGTERM and SIGINT at random moments of every command; the same command then goes on to the same result."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from commands import Command, Ended, contents
from damage import Drill
from slotlight.discovery.record import PROGRESS, whole_lines
from small_runs import COMMANDS, SKIP, difference, draw, result

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
    arguments = (*COMMANDS[name], *SKIP.get(name, ()), "--out", out)
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


SHARDS, MANY, WORKER_KILLS = 3, 40, 30
SCALED = ("discover", "pictures", "--model", "kmeans-colour")


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    """Its children, but for the one that only keeps track of what Python shares between processes."""
    return [child for child in driver.children() if "spawn_main" in " ".join(child.cmdline())]


def kill_one(driver: psutil.Process, workers: list[psutil.Process], rng: random.Random) -> str:
    """SIGKILL for a command that has workers, or for one of those; who it was."""
    chosen = rng.choice([driver, *workers])
    chosen.kill()
    return "driver" if chosen == driver else "worker"


def test_kills_of_drivers_and_workers(
    command: Callable[..., Command], photographs: Path, drill: Drill, rng: random.Random
) -> None:
    """Nothing is lost, nothing is double, and no worker outlives its driver for long."""
    photographs = draw(photographs / "many", MANY)
    arguments = (*SCALED, "--workers", "2", "--out")
    assert command(*arguments, "whole", cwd=photographs).end().status == 0
    killed = 0
    while killed < WORKER_KILLS:
        out = f"out-{killed}"
        for _ in range(rng.choice((1, 2, 3))):  # on the way to one result
            moment = rng.randrange(MANY)
            running = command(*arguments, out, cwd=photographs)
            family = psutil.Process(running.pid)
            while running.is_alive() and recorded(photographs / out) < moment:
                time.sleep(0.02)
            workers = workers_of(family) if running.is_alive() else []
            who = kill_one(family, workers, rng) if running.is_alive() else "nobody"
            ended = running.end()
            _, alive = psutil.wait_procs(workers, timeout=60)
            fault = f"{len(alive)} workers live on" if alive else ended.fault
            if who == "worker" and ended.status and "the same command resumes" not in ended.output:
                fault = fault or ended.output[-500:]
            drill.note(f"{who} killed", fault, ended.seconds)
            killed += who != "nobody"
        again = command(*arguments, out, cwd=photographs).end()
        fault = again.fault or (again.output[-500:] if again.status else twice(photographs / out))
        fault = fault or difference(result(photographs / out), result(photographs / "whole"))
        drill.note("after it", fault, again.seconds)
    drill.check(WORKER_KILLS)


def test_kills_of_shards_and_merges(
    command: Callable[..., Command], photographs: Path, drill: Drill, rng: random.Random
) -> None:
    """The shards of a run and what puts them together, each killed, in any order: the files are those of one run."""
    photographs = draw(photographs / "many", MANY)
    whole = command(*SCALED, "--out", "whole", cwd=photographs).end()
    assert whole.status == 0, whole.output
    for number in range(5):
        parts = [f"part-{number}-{shard}" for shard in range(SHARDS)]
        tasks = [
            (*SCALED, "--shard", f"{shard + 1}/{SHARDS}", "--out", part) for shard, part in enumerate(parts)
        ]
        rng.shuffle(tasks)
        for task in (*tasks, ("merge", *parts, "--out", f"out-{number}")):
            running = command(*task, cwd=photographs)
            time.sleep(rng.uniform(0, whole.seconds / 2))
            running.send(signal.SIGKILL)
            drill.note(f"{task[0]} killed", fault_of(running.end(), signal.SIGKILL), 0)
            ended = command(*task, cwd=photographs).end()
            fault = ended.output[-500:] if ended.status else twice(photographs / task[-1])
            drill.note(f"{task[0]}, after it", ended.fault or fault, ended.seconds)
        found, expected = (result(photographs / out) for out in (f"out-{number}", "whole"))
        drill.note("merged", difference(found, expected), 0)
    drill.check(45)


def recorded(out: Path) -> int:
    """How many photographs a run has finished."""
    return sum(1 for _ in whole_lines(out / PROGRESS))


def twice(out: Path) -> str:
    """Photographs whose line is in a folder's record more than once, or nothing."""
    counts = Counter(line.file for line in whole_lines(out / PROGRESS))
    again = [file for file, count in counts.items() if count > 1]
    return f"twice in the record: {again}" if again else ""
