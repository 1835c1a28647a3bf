"""Commands of Slotlight in processes of their own, forked from one that has imported everything.

The import takes most of a small command's time; a fork has real signals, exit statuses and memory without it.
"""

import hashlib
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "slotlight.cli.main",
        "slotlight.choosing",
        "slotlight.cli.evaluation",
        "slotlight.training.train",
        "slotlight.discovery.objects",
        "slotlight.discovery.results",
    ]
)


@dataclass(frozen=True)
class Ended:
    """What became of a command.

    Attributes:
        status: Its exit status as a shell shows it.
        output: What it printed on both streams.
        seconds: From its start in Python.
        peak_bytes: The most memory that it held; 0 if it was killed.
    """

    status: int
    output: str
    seconds: float
    peak_bytes: int

    @property
    def fault(self) -> str:
        """What no command may print, or nothing."""
        found = re.search(r"Traceback|Exception ignored|Fatal Python|terminate called", self.output)
        return self.output[found.start() :][-1500:] if found else ""


@dataclass(frozen=True)
class Place:
    """What a process may meet.

    Attributes:
        encoding: Of its output, as PYTHONIOENCODING sets it.
        environment: Variables to set; None takes one away.
        stdout: A file in place of the log; "" is a closed one.
        most_file_bytes: No file may become longer.
    """

    encoding: str = "utf-8"
    environment: Mapping[str, str | None] = field(default_factory=dict)
    stdout: str | None = None
    most_file_bytes: int | None = None


class Command:
    """``slotlight ARGUMENTS``, started.

    Args:
        arguments: Of the command line.
        log: Where its output goes.
        cwd: Where it runs.
        place: What is unusual about the process.
    """

    def __init__(self, *arguments: str | Path, log: Path, cwd: Path, **place: Any) -> None:
        self.log = log
        self._told, writer = _CONTEXT.Pipe(duplex=False)
        texts = [str(argument) for argument in arguments]
        self._process = _CONTEXT.Process(target=_run, args=(texts, log, cwd, Place(**place), writer))
        self._process.start()
        writer.close()
        assert self._told.recv() == "ready"
        self._started = time.monotonic()

    def send(self, number: int) -> None:
        """Send a signal; nothing happens if the command has ended."""
        if self.is_alive():
            os.kill(self.pid, number)

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid or 0

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def end(self, timeout_s: float = 900) -> Ended:
        """Wait for its end.

        Raises:
            TimeoutError: It hangs.
        """
        self._process.join(timeout_s)
        seconds = time.monotonic() - self._started
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise TimeoutError(f"no end after {timeout_s} s: {self.log.read_text(errors='replace')[-2000:]}")
        try:
            peak = self._told.recv()
        except EOFError:
            peak = 0
        output = self.log.read_text(errors="replace")
        self.log.unlink()
        return Ended(128 - code if code < 0 else code, output, seconds, peak)


def _run(arguments: Sequence[str], log: Path, cwd: Path, place: Place, told: Connection) -> None:
    from slotlight.__main__ import main

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(os.open(place.stdout, os.O_WRONLY) if place.stdout else file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = (  # as Python itself would open them
        open(number, "w", encoding=place.encoding, errors=errors, closefd=False)  # noqa: SIM115
        for number, errors in ((1, "strict"), (2, "backslashreplace"))
    )
    if place.stdout == "":
        os.close(1)
        sys.stdout = None  # type: ignore[assignment]
    os.chdir(cwd)
    for name, value in place.environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    if place.most_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (place.most_file_bytes, resource.RLIM_INFINITY))
    sys.argv = ["slotlight", *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    told.send("ready")
    try:
        main()
    finally:
        status = Path("/proc/self/status")
        peak = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.is_file() else None
        told.send(int(peak[1]) * 1024 if peak else 0)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Command]:
    """Starts commands in the test's own folder."""
    return lambda *arguments, cwd=tmp_path, **place: Command(
        *arguments, log=tmp_path / "log", cwd=cwd, **place
    )


def contents(folder: Path) -> dict[str, str]:
    """A hash of every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def files_below(folder: Path) -> dict[str, str]:
    """As `contents`, without hidden files: what a run leaves for others to read."""
    return {name: digest for name, digest in contents(folder).items() if not Path(name).name.startswith(".")}


def found_images(out: Path) -> list[dict[str, object]]:
    images: list[dict[str, object]] = json.loads((out / "objects.json").read_text())["images"]
    return images
