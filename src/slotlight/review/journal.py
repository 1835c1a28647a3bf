"""The record of a review, ``.review.jsonl``: a line for each photograph that was looked at or changed.

A line says all that is known of its photograph, and the last one of a photograph counts. So a kill loses nothing but a
line that was cut off, and a damaged line no other. The first line names the objects that the review is of.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from slotlight.errors import OutputError
from slotlight.files import sealed, unsealed, write_text, writing_to
from slotlight.review.state import Id, Piece, Pieces, Review

JOURNAL = ".review.jsonl"
_PROMISE = "What was done until now is kept."


class Journal:
    """Takes up an earlier review of the same objects, and writes down a new one as it goes.

    Args:
        path: The file.
        objects: A digest of the objects that are reviewed.
        start_over: Begin a new record in place of an earlier one.

    Attributes:
        is_saved: Whether the corrected file has been written since the last change.

    Raises:
        OutputError: It is of other objects, or cannot be written.
    """

    def __init__(self, path: Path, objects: str, *, start_over: bool = False) -> None:
        self.path, self._objects = path, objects
        self.is_saved = True
        with writing_to(path):
            self._earlier = [] if start_over else list(self._read())
            # Written anew: a line that was cut off must not run into the next one.
            write_text(path, (sealed(line) + "\n" for line in [{"objects": objects}, *self._earlier]))
            self._lines: IO[str] = path.open("a", encoding="utf-8")

    def resume(self, review: Review) -> None:
        """Bring a review to where the person left off."""
        last: Id | None = None
        for line in self._earlier:
            if "saved" in line:
                self.is_saved = True
            elif review.restore(line["image"], _decoded(line["pieces"])):
                last = line["image"]
                self.is_saved = self.is_saved and not line["changed"]
        self._earlier = []
        if last is not None:
            review.go_to(review.photographs.index(last))

    def write(self, review: Review, *, changed: bool) -> None:
        """Write down the photograph that is looked at, as it is now."""
        pieces = [[list(piece.members), piece.is_kept] for piece in review.pieces()]
        self._append({"image": review.photograph, "pieces": pieces, "changed": changed})
        self.is_saved = self.is_saved and not changed

    def saved(self) -> None:
        """Write down that the corrected file is written."""
        self._append({"saved": True})
        self.is_saved = True

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()

    def _append(self, line: dict[str, Any]) -> None:
        with writing_to(self.path, promise=_PROMISE):
            self._lines.write(sealed(line) + "\n")
            self._lines.flush()

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            lines = [line for line in map(unsealed, file) if line is not None]
        if lines and lines[0].get("objects") != self._objects:
            raise OutputError(
                f"{self.path.parent} was reviewed before its objects.json changed; pass --start-over to review it "
                "anew, or restore the former objects.json."
            )
        yield from lines[1:]


def _decoded(pieces: list[list[Any]]) -> Pieces:
    return tuple(Piece(tuple(members), is_kept) for members, is_kept in pieces)
