"""Names of files and folders as users type them."""

import os
from pathlib import Path

from slotlight.errors import ImageError


def expand_home(path: str | Path) -> Path:
    """The path itself, or a quoted ``~`` as the shell would have read it.

    Raises:
        ImageError: It is empty, or no name of a file.
    """
    if not str(path).strip():
        raise ImageError(
            "An empty name was given for a file or folder; check quotes and variables in the command."
        )
    if "\0" in str(path):
        raise ImageError(f"There is no file or folder {str(path)!r}; check its name.")
    if not str(path).startswith("~") or os.path.lexists(path):
        return Path(path)
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no such user, or nobody's home
        return Path(path)
