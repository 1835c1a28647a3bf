"""A disk that fills, and a limit on files, at many places of every command; with room, the same command goes on."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands import Command, Ended, contents
from damage import Drill
from small_runs import COMMANDS, difference, result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

PLACES = 10


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk, which `resize` makes small."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512m", "drill", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def used(disk: Path) -> int:
    return shutil.disk_usage(disk).used


def fault_of(ended: Ended) -> str:
    """Either it is done, without some by-product, or one sentence says that it cannot be written."""
    lines = [line for line in ended.output.splitlines() if line.startswith("slotlight: ")]
    is_said = ended.status == 1 and len(lines) == 1 and ("written" in lines[0] or "free" in lines[0])
    return ended.fault or (
        "" if ended.status == 0 or is_said else f"status {ended.status}: {ended.output[-500:]}"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_full_disks(
    command: Callable[..., Command], photographs: Path, disk: Path, drill: Drill, name: str
) -> None:
    before = contents(photographs / "pictures")
    out = disk / "out"
    arguments = (*COMMANDS[name], "--out", out)
    whole = command(*arguments).end()
    assert (whole.status, whole.fault) == (0, ""), whole.output
    expected, size = result(out), used(disk)
    for place in range(PLACES):
        shutil.rmtree(out)
        resize(disk, max(4096, size * place // PLACES))
        full = command(*arguments).end()
        drill.note(f"{name}, full at {place}", fault_of(full), full.seconds)
        resize(disk, 512 << 20)
        ended = command(*arguments).end()
        fault = ended.fault or difference(result(out), expected)
        drill.note(f"{name}, with room again after {place}", fault, ended.seconds)
    assert before == contents(photographs / "pictures")
    drill.check(PLACES)


@pytest.mark.parametrize("name", COMMANDS)
def test_limits_on_files(command: Callable[..., Command], photographs: Path, drill: Drill, name: str) -> None:
    """Where nothing can be mounted, these are what is left: EFBIG in place of ENOSPC."""
    out = photographs / "out"
    arguments = (*COMMANDS[name], "--out", out)
    whole = command(*arguments).end()
    expected = result(out)
    largest = max(path.stat().st_size for path in out.rglob("*") if path.is_file())
    for share in (0.01, 0.1, 0.5, 0.9):
        shutil.rmtree(out)
        limited = command(*arguments, most_file_bytes=max(1_000, int(largest * share))).end()
        drill.note(f"{name}, at most {share}", fault_of(limited), limited.seconds)
        ended = command(*arguments).end()
        fault = ended.fault or difference(result(out), expected)
        drill.note(f"{name}, without a limit after {share}", fault, ended.seconds)
    assert whole.status == 0
    drill.check(8)
