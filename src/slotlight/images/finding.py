"""Paths, folders and globs → the photographs in them, and what was left out with its remedy.

Unusual: folders are walked here rather than by `pathlib`, because links to folders are followed (once each, so that a
loop of links ends) and because what cannot be read is said.
"""

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from slotlight.errors import ImageError
from slotlight.files import claimed_parent
from slotlight.images.files import HEIC_REMEDY, reads_heic
from slotlight.paths import expand_home

Where = TypeVar("Where")

EXTENSIONS = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg"),
    *(".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
_HEIC = (".heic", ".heif", ".hif")
_EXPORT = "export {them} as JPEG or PNG"
_LEFT_OUT = {
    **dict.fromkeys(_HEIC, f"to read {{them}}, {HEIC_REMEDY}"),
    **dict.fromkeys(
        (".mov", ".mp4", ".m4v", ".avi", ".mkv", ".3gp"),
        "`slotlight track` takes videos, one at a time",
    ),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"), _EXPORT),
    **dict.fromkeys((".jp2", ".jxl", ".psd", ".svg", ".eps", ".pdf", ".tga", ".ico"), _EXPORT),
    **dict.fromkeys((".tar", ".parquet"), "to read the photographs in {them}, pass {them} explicitly"),
    ".aae": "these contain only edits; to use the edited photographs, export them as JPEG",
}
"""Files that a user may take for photographs, and what to do with them."""


def is_photograph_name(name: str) -> bool:
    """Whether a file of this name counts as a photograph: it is not hidden, and ends as an image does.

    Example:
        >>> is_photograph_name("trip/a.JPG"), is_photograph_name("trip/.a.jpg")
        (True, False)
    """
    path = PurePosixPath(name)
    kind = path.suffix.lower()
    return not path.name.startswith(".") and (kind in EXTENSIONS or (kind in _HEIC and reads_heic()))


@dataclass(frozen=True)
class Survey(Generic[Where]):
    """What some names lead to.

    Attributes:
        photographs: Each once, in a fixed order.
        left_out: What was not taken and what to do, a sentence for each kind.
    """

    photographs: list[Where]
    left_out: list[str]


def find_photographs(paths: Sequence[str | Path]) -> list[Path]:
    """Photographs of files, folders (recursive, sorted) and globs, each once, in a fixed order.

    Folders and globs give files with an image's extension that are not hidden; a file named by itself is
    kept whatever its name. A file that two paths lead to is one photograph. What Slotlight wrote itself (overlays,
    label maps) is not a photograph. `survey_photographs` says what was left out, too.

    Raises:
        ImageError: A path that does not exist, or a folder or glob without a photograph.
    """
    return survey_photographs(paths).photographs


def survey_photographs(paths: Sequence[str | Path]) -> Survey[Path]:
    """As `find_photographs`, with what was left out: HEIC, videos, broken links, unreadable folders.

    Raises:
        ImageError: A path that does not exist, or a folder or glob without a photograph.
    """
    by_file: dict[str, Path] = {}
    left_out: list[str] = []
    for path in paths:
        search = _Search(expand_home(path))
        for photograph in search.photographs():
            by_file.setdefault(os.path.realpath(photograph), photograph)
        left_out += search.left_out()
    return Survey(list(by_file.values()), list(dict.fromkeys(left_out)))


class _Search:
    """What one path leads to."""

    def __init__(self, asked: Path) -> None:
        self.asked = asked
        self._others: Counter[str] = Counter()
        self._said: list[str] = []

    def photographs(self) -> list[Path]:
        found, nothing = self._expand()
        if not found:
            raise ImageError(" ".join([nothing, *self.left_out()]))
        return self._without_ours(found)

    def left_out(self) -> list[str]:
        """A sentence for each kind of file, folder or link that was not taken."""
        return self._said + [self._of_kind(kind, count) for kind, count in sorted(self._others.items())]

    def _expand(self) -> tuple[list[Path], str]:
        """The photographs, and what to say if there are none."""
        path = self.asked
        # What exists comes first, because `photo[1].jpg` is a good name for a file.
        if os.path.isfile(path):  # noqa: PTH113 - unlike Path's, it takes names that are too long
            return [path], ""
        if os.path.isdir(path):  # noqa: PTH112
            found = sorted(self._photographs_of(self._walk(path)))
            return found, f"The folder {path} holds no photograph; these count: {' '.join(EXTENSIONS)}."
        if os.path.islink(path):  # noqa: PTH114
            return [], f"{path} is a broken link to {os.readlink(path)}; fix it, or name its target."  # noqa: PTH115
        if os.path.lexists(path):
            return [], f"{path} is neither a file nor a folder; name photographs."
        if glob.has_magic(str(path)):
            found = sorted(self._photographs_of(self._matches(path)))
            return found, f"No photograph matches {path}; quote the pattern, or name a folder."
        return [], f"There is no file or folder {path}; check its name."

    def _photographs_of(self, paths: Iterator[Path]) -> Iterator[Path]:
        """Those that count; the others are noted."""
        for path in paths:
            kind = path.suffix.lower()
            if path.name.startswith("."):
                continue
            if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
                if kind in EXTENSIONS:
                    self._said.append(f"{path} is a broken link and was left out; fix it, or remove it.")
            elif not os.path.isfile(path):  # noqa: PTH113
                if kind in EXTENSIONS and not os.path.isdir(path):  # noqa: PTH112 - a pipe, a device
                    self._said.append(f"{path} is not a regular file and was left out.")
            elif is_photograph_name(path.name):
                yield path
            elif kind in _LEFT_OUT:
                self._others[kind] += 1

    def _of_kind(self, kind: str, count: int) -> str:
        files, them = ("file was", "it") if count == 1 else ("files were", "them")
        return f"{count} {kind} {files} left out of {self.asked}; {_LEFT_OUT[kind].format(them=them)}."

    def _walk(self, root: Path) -> Iterator[Path]:
        """Every file below a folder; each folder once, real ones before those that links lead to."""
        seen: set[tuple[int, int]] = set()
        real, linked = [root], list[Path]()
        while real or linked:
            folder = real.pop() if real else linked.pop(0)
            try:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                self._said.append(
                    f"The folder {folder} cannot be read ({error.strerror}) and was left out; fix its permissions."
                )
                continue
            for entry in entries:
                if not _is_folder(entry):
                    yield folder / entry.name
                else:
                    (linked if entry.is_symlink() else real).append(folder / entry.name)

    def _matches(self, pattern: Path) -> Iterator[Path]:
        if "**" not in pattern.parts:
            return map(Path, glob.glob(str(pattern)))  # noqa: PTH207
        # glob follows links round and round here; the walk takes each folder once.
        plain = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
        root = Path(*pattern.parts[:plain])
        return (
            path for path in self._walk(root) if _fits(path.relative_to(root).parts, pattern.parts[plain:])
        )

    def _without_ours(self, found: list[Path]) -> list[Path]:
        """Without what Slotlight wrote."""
        ours = {folder: claimed_parent(folder / "file") for folder in {path.parent for path in found}}
        kept = [path for path in found if ours[path.parent] is None]
        if not kept:
            folder = ours[found[0].parent]
            raise ImageError(
                f"{self.asked} contains only pictures that Slotlight wrote itself, in {folder}; name photographs."
            )
        return kept


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _fits(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path's parts match a pattern's, where ``**`` stands for any number of folders that are not hidden."""
    if not pattern or not names:
        return not pattern and not names
    if pattern[0] == "**":
        rest = pattern[1:] or ["*"]
        return _fits(names, rest) or (not names[0].startswith(".") and _fits(names[1:], pattern))
    hidden = names[0].startswith(".") and not pattern[0].startswith(".")
    return not hidden and fnmatch.fnmatchcase(names[0], pattern[0]) and _fits(names[1:], pattern[1:])
