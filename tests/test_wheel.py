"""What a newcomer does: the wheel, installed in an empty environment, finds objects in photographs."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # torch is fetched anew
def test_the_wheel_finds_objects_in_an_empty_environment(tmp_path: Path) -> None:
    source, dist, home = tmp_path / "source", tmp_path / "dist", tmp_path / "empty"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", dist, source)
    (wheel,) = dist.glob("slotlight-*.whl")

    venv.create(home, with_pip=True)
    folder = home / ("Scripts" if os.name == "nt" else "bin")
    run(folder / "python", "-m", "pip", "install", "--quiet", f"{wheel}[samples]")
    run(folder / "slotlight", "discover", "--samples", "--out", tmp_path / "found", cwd=tmp_path)

    found = json.loads((tmp_path / "found/objects.json").read_text(encoding="utf-8"))
    assert len(found["images"]) == 4
    assert len(found["annotations"]) >= 4
    assert len(list((tmp_path / "found/overlays").iterdir())) == 4
    installed = run(folder / "python", "-c", "import slotlight; print(slotlight.__file__)", cwd=tmp_path)
    assert str(home) in installed


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command prints; nothing of this environment reaches it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], env=clean, cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout
