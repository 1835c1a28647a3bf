import shutil
from pathlib import Path

import pytest


@pytest.fixture
def photographs(photo_paths: list[Path], tmp_path: Path) -> list[Path]:
    """Nine files of which one is no photograph."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for index in range(8):
        shutil.copy(photo_paths[index % len(photo_paths)], folder / f"{index}.jpg")
    (folder / "3x.jpg").write_text("not a photograph")
    return sorted(folder.iterdir())
