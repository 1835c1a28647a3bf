"""Where a photograph's bytes lie, and how one gets them: a file, a part of an archive, an object behind a URL.

A place is small, goes to other processes, and says without reading when its bytes have changed.
`slotlight.images.sources` finds places, `slotlight.images.fetching` reads many of them.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from slotlight.errors import ImageError
from slotlight.files import stamp
from slotlight.images.remote import RemoteFile, is_url, read_remote


@runtime_checkable
class Place(Protocol):
    """Where the bytes of one photograph lie."""

    @property
    def group(self) -> str:
        """Places of the same group are cheap to read together, in order; empty where each stands alone."""
        ...

    def stamp(self) -> list[int]:
        """What changes when the bytes do, without reading them."""
        ...

    def read(self) -> bytes:
        """The photograph's file.

        Raises:
            ImageError: It cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of its own.

    Attributes:
        path: As it was given.
    """

    group: ClassVar[str] = ""
    path: str

    def stamp(self) -> list[int]:
        """Its size and time of change."""
        return list(stamp(Path(self.path))[1:])

    def read(self) -> bytes:
        """Its content."""
        try:
            return Path(self.path).read_bytes()
        except OSError as error:
            raise ImageError(f"{self.path} cannot be read: {error.strerror or error}.") from None


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """An object in a store, or whatever a URL answers.

    Attributes:
        file: Where it is.
    """

    group: ClassVar[str] = ""
    file: RemoteFile

    def stamp(self) -> list[int]:
        """Its size and version where a listing told them; nothing where asking would cost a request for each."""
        return list(self.file.version)

    def read(self) -> bytes:
        """The object."""
        return read_remote(self.file.url)


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a larger file, such as a member of a tar.

    Attributes:
        file: The path or URL of the larger file.
        version: Its stamp.
        start: Where the bytes begin.
        size: How many they are.
    """

    group: ClassVar[str] = ""
    file: str
    version: tuple[int, ...]
    start: int
    size: int

    def stamp(self) -> list[int]:
        """That of the file, and the place in it."""
        return [*self.version, self.start, self.size]

    def read(self) -> bytes:
        """The bytes."""
        if is_url(self.file):
            content = read_remote(self.file, self.start, self.start + self.size)
        else:
            try:
                with open(self.file, "rb") as file:  # noqa: PTH123 - a Path would cost more than the reading
                    content = os.pread(file.fileno(), self.size, self.start)
            except OSError as error:
                raise ImageError(f"{self.file} cannot be read: {error.strerror or error}.") from None
        if len(content) != self.size:
            raise ImageError(f"{self.file} is truncated; copy it again from its source.")
        return content


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A photograph that a table names without saying where it lies.

    Attributes:
        cause: Why it cannot be read.
    """

    group: ClassVar[str] = ""
    cause: str

    def stamp(self) -> list[int]:
        """Nothing can change."""
        return []

    def read(self) -> bytes:
        """Fail."""
        raise ImageError(self.cause)


@dataclass(frozen=True, slots=True)
class Located:
    """A photograph and where it lies.

    Attributes:
        file: What identifies it in a run: its path or URL, or its own id where a table gives one.
        place: Where its bytes are.
        address: Its path or URL, where ``file`` is an id of its own.
        own: Whether ``file`` is an id of its own.
    """

    file: str
    place: Place
    address: str = ""
    own: bool = False

    @classmethod
    def at(cls, path: str | Path) -> "Located":
        """A local file, identified by its path as it was given."""
        return cls(str(path), LocalFile(str(path)))

    @property
    def shown(self) -> str:
        """What people call it: its path or URL where it has one."""
        return self.address or self.file

    @property
    def own_number(self) -> int | None:
        """Its own id where that is a number that COCO's tools take."""
        is_number = self.own and re.fullmatch(r"0|[1-9]\d{0,14}", self.file)
        return int(self.file) if is_number else None


def place_of(reference: str, base: str) -> tuple[str, Place]:
    """Where a line of a list or a row of a table points to: its path or URL, and the place.

    Args:
        reference: A URL or a path.
        base: The folder, or the URL of one, that a relative path begins at.

    Example:
        >>> place_of("photos/a.jpg", "/data")
        ('/data/photos/a.jpg', LocalFile(path='/data/photos/a.jpg'))
    """
    if not is_url(reference) and is_url(base):
        reference = f"{base}/{reference}"
    if is_url(reference):
        return reference, RemoteObject(RemoteFile(reference))
    path = os.path.join(base, reference)  # noqa: PTH118 - a million Paths would take seconds
    return path, LocalFile(path)


def group_number(group: str) -> int:
    """A number for a group, the same in every process."""
    return int.from_bytes(hashlib.sha256(os.fsencode(group)).digest()[:7], "big")
