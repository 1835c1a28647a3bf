"""What the drills share: seeds, and the table that they print at the end."""

import logging
import random
from pathlib import Path

import pytest

from commands import command as command
from damage import Drill
from small_runs import draw

_DRILLS: list[Drill] = []


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Drill:
    logging.getLogger("slotlight").setLevel(logging.ERROR)  # thousands of warnings are no news
    _DRILLS.append(Drill(request.node.name.removeprefix("test_").replace("_", " ")))
    return _DRILLS[-1]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Seeded by the drill's name: every run tries the same inputs."""
    return random.Random(request.node.name)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with ``pictures`` and their ``masks``."""
    return draw(tmp_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _DRILLS:
        return
    terminalreporter.section("drills")
    terminalreporter.write_line("| drill | inputs | read | refused in a sentence | failures | slowest (s) |")
    terminalreporter.write_line("|---|---:|---:|---:|---:|---:|")
    for drill in _DRILLS:
        failures = sum(drill.failures.values())
        total = drill.read + drill.refused + failures
        row = (drill.name, total, drill.read, drill.refused, failures, f"{drill.slowest_s:.2f}")
        terminalreporter.write_line(f"| {' | '.join(map(str, row))} |")
