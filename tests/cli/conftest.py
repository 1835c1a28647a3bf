"""Commands run in the test's own process, and folders to run them on."""

import sys
from pathlib import Path

import pytest

from slotlight.cli import main as cli


@pytest.fixture
def run(monkeypatch, capsys):
    """Run one command in this process: its exit status, what it printed, its errors."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["slotlight", *map(str, args)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def trip(tmp_path, photo_paths):
    """Photographs in two folders, the command started in a third."""
    for name in ("pics/a.jpg", "r/s/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(photo_paths[0].read_bytes())
    return tmp_path
