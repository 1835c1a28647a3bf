"""Fixtures that several tests share: where golden values and real data lie, real photographs to use."""

import os
import signal
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]

# A shell's background job ignores Ctrl-C, and so would all that the tests start; they are about what it does.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _folder(variable: str, default: str) -> Path:
    folder = Path(os.environ.get(variable, ROOT / default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set {variable} to the folder")
    return folder


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Arrays made by independent implementations."""
    return _folder("SLOTLIGHT_GOLDEN", "../shared/golden")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real photographs with labels: ``VOCdevkit/`` and, unlabelled, ``photos/``."""
    return _folder("SLOTLIGHT_DATA", "../shared/data")


@pytest.fixture(scope="session")
def photo_paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four real photographs as JPEG files."""
    from skimage import data

    folder = tmp_path_factory.mktemp("photographs")
    paths = []
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        paths.append(folder / f"{name}.jpg")
        Image.fromarray(getattr(data, name)()).save(paths[-1], quality=90)
    return paths
