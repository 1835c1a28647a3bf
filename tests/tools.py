"""Tools of others, each in an environment of its own (``make tools``), and code to run in them."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def tool(name: str) -> Path:
    """The Python of a tool's environment; the test is skipped where there is none."""
    python = Path(os.environ.get("SLOTLIGHT_TOOLS", ROOT / ".tools")) / name / "bin/python"
    if not python.is_file():
        pytest.skip(f"{python} is not there; `make tools` installs it")
    return python


BESIDE = f"""
import sys
sys.path += [{str(ROOT / "src")!r}, {sysconfig.get_paths()["purelib"]!r}]
"""
"""Code that lets a tool's environment import Slotlight, and what it needs, from where the tests run."""


def ask(name: str, code: str, *arguments: object) -> Any:
    """Run code in a tool's environment; what it prints last is JSON."""
    done = subprocess.run(
        [tool(name), "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
