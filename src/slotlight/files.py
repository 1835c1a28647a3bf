"""Folders that Slotlight writes: nobody else's files are in them, and one process writes at a time."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from slotlight.errors import OutputError

MARKER = ".slotlight"
"""A file in every folder that Slotlight wrote: what lies below such a folder is never an input."""

_LOCK = ".slotlight.lock"


def claim_folder(folder: Path) -> FileLock:
    """Make a folder ours to write to, until the lock that is returned is released.

    A folder that holds anything that Slotlight did not write is refused, so that no file of the user's can ever be
    written over, whatever its name.

    Raises:
        OutputError: It holds other files, another process is writing to it, or it cannot be written.
    """
    try:
        if not is_claimed(folder):
            if folder.is_dir() and (foreign := _foreign_file(folder)):
                raise OutputError(
                    f"{folder} holds files that Slotlight did not write, such as {foreign.name}; "
                    "choose a new or empty folder for --out."
                )
            folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, blocking=False)
        lock.acquire()
        (folder / MARKER).touch()
    except Timeout:
        raise OutputError(
            f"Another process is writing to {folder}; wait until it ends, or choose another folder for --out."
        ) from None
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}; make room or choose another --out."
        ) from error
    return lock


def is_claimed(folder: Path) -> bool:
    """Whether Slotlight wrote this folder."""
    return (folder / MARKER).is_file()


def claimed_parent(path: Path) -> Path | None:
    """The outermost folder above a path that Slotlight wrote; None where there is none."""
    found = None
    with suppress(OSError):  # where nothing can be looked up, nothing of ours was written
        for folder in path.absolute().parents:
            found = folder if is_claimed(folder) else found
    return found


def _foreign_file(folder: Path) -> Path | None:
    """A visible entry of a folder."""
    return next((entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")), None)
