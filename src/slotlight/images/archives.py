"""Photographs in tars, such as WebDataset's: their headers are read once, and each photograph's bytes in their turn."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slotlight.errors import ImageError
from slotlight.files import stamp
from slotlight.images.finding import is_photograph_name
from slotlight.images.places import Located, Part
from slotlight.images.remote import is_url, look_up, open_remote, patiently

ARCHIVES = (".tar",)
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip")


def in_archive(file: str) -> list[Located]:
    """The photographs of a tar, each called by the tar's path or URL and its own in it.

    Members that are not photographs are skipped: a WebDataset has texts and labels beside them.

    Raises:
        ImageError: It is not a tar, is cut off, or holds no photograph.
    """
    if is_url(file):
        version = look_up(file).version
        members = patiently(file, lambda: dict(_members(open_remote(file), file)))
    else:
        version = stamp(Path(file))[1:]
        try:
            with Path(file).open("rb") as content:
                members = dict(_members(content, file))
        except OSError as error:
            raise ImageError(f"{file} cannot be read: {error.strerror or error}.") from None
    if not members:
        raise ImageError(f"{file} holds no photograph; name an archive that does.")
    return [
        Located(f"{file}/{name}", Part(file, version, start, size)) for name, (start, size) in members.items()
    ]


def _members(content: Any, file: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, start and size of each photograph; of those with one name the last counts, as it does for tar."""
    try:
        with tarfile.open(fileobj=content, mode="r:") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # else it keeps them all
                if member.isreg() and not member.issparse() and is_photograph_name(member.name):
                    yield member.name, (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise ImageError(
            f"{file} is not a tar, or is damaged ({error}); copy it again from its source, or unpack it."
        ) from None
