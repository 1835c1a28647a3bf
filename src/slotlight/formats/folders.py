"""Formats that are folders: written whole or not at all, a file for each photograph."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to write to; it takes the place of ``path`` once all is written, or never does.

    A kill between the two leaves neither, and never half of one.
    """
    partial = path.with_name(f".partial.{path.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def file_below(folder: Path, name: str, suffix: str) -> Path:
    """The file of a photograph below a folder, whose own folder is made."""
    path = folder / f"{name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
