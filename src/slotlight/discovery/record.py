"""The record of a run: a line a photograph, in the order in which they were finished."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slotlight.files import changed_ns, sealed, unsealed
from slotlight.formats.found import FoundPhotograph
from slotlight.images.places import LocalFile, Place

PROGRESS = ".progress.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """A photograph of a run.

    Attributes:
        file: Its path or URL as it was given, or its own id.
        name: What its pictures are called.
        image_id: Its id in ``objects.json``.
        stamp: What changes when the photograph does.
        place: Where its bytes are.
        address: Its path or URL, where ``file`` is an id of its own.
    """

    file: str
    name: str
    image_id: int
    stamp: list[int]
    place: Place
    address: str = ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.address or self.file


@dataclass(frozen=True)
class Line:
    """One finished photograph.

    Attributes:
        file: As `Entry` has it, and so are ``name``, ``image_id``, ``stamp`` and ``address``.
        annotations: Its objects in COCO's form.
        cause: Why it failed; empty where it did not.
    """

    file: str
    name: str
    image_id: int
    stamp: list[int]
    width: int = 0
    height: int = 0
    annotations: list[dict[str, Any]] = field(default_factory=list)
    cause: str = ""
    address: str = ""

    @classmethod
    def failed(cls, entry: Entry, cause: str) -> "Line":
        """The line of a photograph that cannot be read; another stamp once its permissions have changed, too."""
        place = entry.place
        changed = [changed_ns(Path(place.path))] if isinstance(place, LocalFile) else []
        stamp = [*entry.stamp, *changed]
        return cls(entry.file, entry.name, entry.image_id, stamp, cause=cause, address=entry.address)

    @property
    def names(self) -> dict[str, str]:
        """What results call it: ``file``, its path or URL, and ``key``, its own id where it has one."""
        return {"file": self.address, "key": self.file} if self.address else {"file": self.file}

    def found(self, file_name: str) -> FoundPhotograph:
        """As the formats take it, under the name that they give it."""
        names = self.names
        return FoundPhotograph(
            names["file"],
            file_name,
            self.name,
            self.image_id,
            self.width,
            self.height,
            self.annotations,
            cause=self.cause,
            key=names.get("key", ""),
        )

    def encoded(self) -> str:
        """A line of text, in ASCII."""
        return sealed(asdict(self)) + "\n"


def whole_lines(path: Path) -> Iterator[Line]:
    """The lines of a record but for those that are damaged or that a kill cut off."""
    if path.is_file():
        with path.open("rb") as lines:
            yield from filter(None, map(_decoded, lines))


def sorted_lines(path: Path, offsets: Mapping[str, int]) -> Iterator[Line]:
    """The lines that begin at some offsets, by file: an order that no split of the work can change."""
    with path.open("rb") as lines:
        for file in sorted(offsets):
            lines.seek(offsets[file])
            if line := _decoded(lines.readline()):
                yield line


def _decoded(text: bytes) -> Line | None:
    """A line of a record; None where it is damaged."""
    record = unsealed(text)
    return None if record is None else Line(**record)
