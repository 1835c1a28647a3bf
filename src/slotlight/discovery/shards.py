"""One run in several parts: which photographs belong to a part, and ids that no split can change."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slotlight.errors import ConfigError

_ID_BITS = 53
"""As many as JavaScript and spreadsheets keep of a number."""


@dataclass(frozen=True)
class Shard:
    """A part of a run.

    A photograph's part is decided by its path, so it stays the same when others are added. (In Parquet it is decided by
    the row group, which is read as a whole.)

    Attributes:
        number: Which part, from 1.
        of: How many there are.

    Example:
        >>> Shard.parse("3/16")
        Shard(number=3, of=16)
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``3/16``.

        Raises:
            ConfigError: It is not of that form, or out of range.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        shard = cls(*map(int, match.groups())) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise ConfigError(f"The shard is {text!r}; give its number and how many there are, such as 3/16.")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, number: int) -> bool:
        """Whether a photograph belongs to it, by its id or the number of what it is read with."""
        return number % self.of == self.number - 1


def image_ids(files: Iterable[str], own: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
    """An id for each path, from 1: a hash of it, so that the same path has the same id in every run.

    Of two paths with the same hash (one pair in a run of a hundred million) the second takes the next number.

    Args:
        files: Paths, URLs or own ids.
        own: The ids of those whose own id is a number.

    Example:
        >>> image_ids(["a.jpg", "b.jpg"])["a.jpg"] == image_ids(["a.jpg", "c.jpg"])["a.jpg"]
        True
    """
    ids = dict(own)
    taken = set(own.values())
    for file in sorted(files):
        if file in ids:
            continue
        digest = hashlib.sha256(os.fsencode(file)).digest()
        number = max(1, int.from_bytes(digest[:8], "big") >> (64 - _ID_BITS))
        while number in taken:
            number += 1
        taken.add(number)
        ids[file] = number
    return ids
