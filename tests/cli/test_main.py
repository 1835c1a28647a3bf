"""The commands end to end, as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from slotlight.cli import main as cli


def test_help_needs_no_torch():
    code = "import sys, slotlight.cli.main; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_quoted_home_is_the_shells(run, trip, monkeypatch):
    monkeypatch.setenv("HOME", str(trip))
    monkeypatch.chdir(trip)
    assert run("discover", "~/pics", "--out=~/found", "--model", "centre-box")[0] == 0
    assert (trip / "found/objects.json").is_file()
    assert not (trip / "~").exists()


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cp1252", "latin-1"))]
)
def test_a_name_that_the_terminal_cannot_show_ends_nothing(trip, photo_paths, encoding):
    (trip / "字.jpg").write_bytes(photo_paths[0].read_bytes())
    command = [sys.executable, "-m", "slotlight", "discover", trip / "字.jpg", "--model", "centre-box"]
    done = subprocess.run(
        [*command, "--out", trip / "found"],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_standard_output_ends_nothing(trip):
    command = [sys.executable, "-m", "slotlight", "discover", trip / "pics", "--model", "centre-box"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "--out", trip / "found"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert b"Traceback" not in done.stderr
    assert (trip / "found/objects.json").is_file()


@pytest.mark.skipif(os.name != "posix", reason="a shell that closes its output")
def test_a_closed_standard_output_ends_nothing():
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m slotlight models >&-', sys.executable], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "command",
    [
        "discover",
        "merge",
        "groups",
        "track",
        "convert",
        "train",
        "distil",
        "study",
        "evaluate",
        "models",
        "demo",
        "review",
    ],
)
def test_every_command_explains_itself(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert f"slotlight {command}" in out


def test_want_of_memory_is_told_from_other_faults():
    with pytest.raises(RuntimeError) as fault:
        torch.empty(10**15)
    assert cli._is_out_of_memory(fault.value)
    assert not cli._is_out_of_memory(RuntimeError("shapes differ"))
