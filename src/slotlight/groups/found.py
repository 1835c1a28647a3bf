"""The objects of a finished `slotlight discover`, as they are grouped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from slotlight.discovery.record import PROGRESS, Line, sorted_lines
from slotlight.errors import OutputError
from slotlight.files import digest, unsealed


@dataclass(frozen=True)
class FoundObjects:
    """What a finished `slotlight discover` found.

    Attributes:
        folder: Its results.
        offsets: Where the line of each photograph with objects begins in its record.
        objects: How many there are in all.
        digest: Changes when any of them does.
    """

    folder: Path
    offsets: Mapping[str, int]
    objects: int
    digest: str

    @classmethod
    def of(cls, folder: Path) -> "FoundObjects":
        """Read a folder's record.

        Raises:
            OutputError: It holds no finished discovery, or one without objects.
        """
        if not (folder / "objects.json").is_file() or not (folder / PROGRESS).is_file():
            raise OutputError(
                f"{folder} holds no finished discovery; name a folder that `slotlight discover` has written."
            )
        offsets: dict[str, int] = {}
        parts: list[str] = []
        objects = 0
        with (folder / PROGRESS).open("rb") as lines:
            start = 0
            for text in lines:
                record = unsealed(text)
                if record is not None and record["annotations"]:
                    offsets[record["file"]] = start
                    objects += len(record["annotations"])
                    parts.append(digest(record))
                start += len(text)
        if not objects:
            raise OutputError(f"{folder} holds no object; run `slotlight discover` with a lower --min-score.")
        return cls(folder, offsets, objects, digest(sorted(parts)))

    def lines(self) -> Iterator[Line]:
        """The photographs with objects, by file."""
        return sorted_lines(self.folder / PROGRESS, self.offsets)
