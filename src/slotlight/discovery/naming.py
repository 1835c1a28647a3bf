"""Photographs → the names that their pictures are written under, always below the output folder.

An input's path is not a safe output name: it may climb (``../../a.jpg``), clash with another's (``a.jpg`` beside
``a.png``, or beside a *folder* called ``a.png``; ``A.jpg`` beside ``a.jpg`` where the file system ignores case), or
be too long once a suffix is added. So a name is made of plain parts below the folder that all photographs share, and
where two outputs could still meet, it ends in a hash of the photograph's path.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TypeVar

from slotlight.files import bytes_digest
from slotlight.images.finding import is_photograph_name
from slotlight.images.places import Located
from slotlight.images.remote import is_url

# Of a file name's usual 255: room for a suffix, and for a prefix while it is being written.
MAX_PART_BYTES = 160
MAX_NAME_BYTES = 1000  # of a path's usual 4096: room for the output folder


Photograph = TypeVar("Photograph", Path, Located)


def picture_names(photographs: Sequence[Photograph]) -> dict[Photograph, str]:
    """The relative path, without a suffix, under which each photograph's pictures are written.

    It is the photograph's path (or URL, or own id) below the folder that all photographs share, without its suffix;
    photographs that differ in their suffix alone keep it. Names are distinct on file systems that ignore case or
    Unicode form, too; none has a part ``..`` or an absolute path, and none equals a folder of another once a suffix is
    added.

    Example:
        >>> names = picture_names([Path("trip/a.jpg"), Path("trip/b.jpg"), Path("trip/b.png")])
        >>> list(names.values())
        ['a', 'b.jpg', 'b.png']
    """
    below = _below_shared_folder(photographs)
    names = {path: _without_suffix(path, name) for path, name in below.items()}
    twice = _repeated(names.values())
    names = {path: below[path] if _key(name) in twice else name for path, name in names.items()}
    unsafe = _repeated(names.values()) | _folder_names(names.values())
    return {
        path: _hashed(below[path], path) if _key(name) in unsafe or _is_too_long(name) else name
        for path, name in names.items()
    }


def _route(photograph: Path | Located) -> str:
    """An absolute path that stands for a photograph."""
    if elsewhere := _elsewhere(photograph):
        path = "/" + elsewhere.replace("://", ":/").replace("\0", "").lstrip("/")
    else:
        path = photograph.file if isinstance(photograph, Located) else str(photograph)
    # `Path.absolute` would leave `..` in, `Path.resolve` would follow links out of the folder that was named.
    return os.path.abspath(path)  # noqa: PTH100


def _elsewhere(photograph: Path | Located) -> str:
    """Its URL or own id; empty where it is called by a local path."""
    if isinstance(photograph, Located) and (photograph.own or is_url(photograph.file)):
        return photograph.file
    return ""


def _below_shared_folder(photographs: Sequence[Photograph]) -> dict[Photograph, str]:
    """Each photograph's path below the deepest folder that holds all of them."""
    absolute = {photograph: Path(_route(photograph)) for photograph in photographs}
    parents = [path.parent.parts for path in absolute.values()]
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*parents, strict=False)))
    return {
        path: PurePosixPath(*_plain(full.parts[shared:]) or ["unnamed"]).as_posix()
        for path, full in absolute.items()
    }


def _plain(parts: Sequence[str]) -> list[str]:
    """Parts of a path without its anchor: only on Windows, photographs of two drives share nothing."""
    return [part.strip("\\/").replace(":", "") if os.path.isabs(part) else part for part in parts]  # noqa: PTH117


def _without_suffix(photograph: Path | Located, name: str) -> str:
    path = PurePosixPath(name)
    if _elsewhere(photograph) and not is_photograph_name(f"x{path.suffix}"):  # of an id, or of a query
        return name
    return path.with_suffix("").as_posix()


def _key(name: str) -> str:
    """What two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _repeated(names: Iterable[str]) -> set[str]:
    return {key for key, count in Counter(map(_key, names)).items() if count > 1}


def _folder_names(names: Iterable[str]) -> set[str]:
    """Keys that a folder of some name has, or would have but for a suffix."""
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    return {_key(folder[:end]) for folder in folders for end in _ends(folder)}


def _ends(folder: str) -> Iterable[int]:
    """Where a folder's path ends, and where it would without one, two, … suffixes."""
    start = folder.rfind("/") + 1
    return [len(folder), *(place for place in range(start + 1, len(folder)) if folder[place] == ".")]


def _is_too_long(name: str) -> bool:
    parts = [len(os.fsencode(part)) for part in name.split("/")]
    return max(parts) > MAX_PART_BYTES or sum(parts) + len(parts) > MAX_NAME_BYTES


def _hashed(name: str, photograph: Path | Located) -> str:
    """A name of its own: the file's, cut to a safe length, and a hash of the photograph's path.

    It lies directly below the output folder, so that no long or clashing folder is left in it.
    """
    digest = bytes_digest(os.fsencode(_elsewhere(photograph) or _route(photograph)))
    start = os.fsencode(PurePosixPath(name).name)[: MAX_PART_BYTES - len(digest) - 1]
    return f"{start.decode(errors='ignore')}-{digest}"
