"""Progress is told on a terminal and elsewhere."""

import pytest

from slotlight import progress
from slotlight.progress import ProgressReport


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_where_there_is_no_terminal(clock, capsys):
    with ProgressReport("training", 1000) as report:
        for done in range(1, 61):
            clock[0] += 1
            report.update(done)
    assert capsys.readouterr().err.splitlines() == [
        "Expected time for training: 16 minutes, at 1 s each.",
        "training: 31 of 1,000, 16 minutes left",
    ]


def test_a_short_work_says_nothing(clock, capsys):
    with ProgressReport("training", 40) as report:
        for done in range(1, 41):
            clock[0] += 0.1
            report.update(done)
    assert capsys.readouterr().err == ""


def test_only_one_of_several_processes_tells(clock, capsys):
    with ProgressReport("training", 1000, shown=False) as report:
        for done in range(1, 61):
            clock[0] += 1
            report.update(done)
    assert capsys.readouterr().err == ""


def test_no_time_is_told_where_steps_differ(clock, capsys):
    with ProgressReport("evaluation", 1000, even=False) as report:
        for _ in range(35):
            clock[0] += 1
            report.advance("lost, seed 0")
    assert capsys.readouterr().err.splitlines() == ["evaluation, lost, seed 0: 31 of 1,000"]
