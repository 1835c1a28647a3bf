"""A folder that `slotlight discover` wrote → photographs and objects to review → ``reviewed.json``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faster_coco_eval.core import mask as run_lengths

from slotlight.datasets.coco_file import read_coco_file
from slotlight.datasets.coco_geometry import complete
from slotlight.errors import DatasetError, OutputError
from slotlight.files import claim_folder, file_digest, is_claimed, run_identity, write_text, writing_to
from slotlight.formats.run_lengths import RunLengths
from slotlight.review.journal import JOURNAL, Journal
from slotlight.review.state import Id, Piece, Review

OBJECTS, REVIEWED = "objects.json", "reviewed.json"


class ReviewFolder:
    """A review of what lies in a folder, kept safe key by key.

    Args:
        folder: What `slotlight discover` or `slotlight merge` wrote.
        root: Where the names of photographs in ``objects.json`` begin, if they are relative.
        start_over: Forget an earlier review.

    Attributes:
        review: Where the person is, and what they did.

    Raises:
        OutputError: It is not such a folder, its objects have changed since an earlier review, it cannot be
            written, or another process is writing to it.
        DatasetError: Its ``objects.json`` is damaged.
    """

    def __init__(self, folder: Path, *, root: Path | None = None, start_over: bool = False) -> None:
        objects = folder / OBJECTS
        if not (is_claimed(folder) and objects.is_file()):
            raise OutputError(
                f"{folder} holds no objects.json written by Slotlight; name a folder that `slotlight discover` has "
                "finished."
            )
        self.folder, self._root = folder, root or Path()
        self._file = read_coco_file(objects)
        self._by_id = {one["id"]: one for found in self._file.annotations.values() for one in found}
        self.review = Review(
            {image: [one["id"] for one in found] for image, found in self._file.annotations.items()}
        )
        self._lock = claim_folder(folder)
        try:
            self._refuse_to_replace(start_over)
            self.journal = Journal(folder / JOURNAL, file_digest(objects), start_over=start_over)
            self.journal.resume(self.review)
        except BaseException:
            self._lock.release()
            raise

    def __len__(self) -> int:
        return len(self.review.photographs)

    @property
    def photograph(self) -> Path:
        """The file of the photograph that is looked at."""
        return self._root / str(self._file.images[self.review.photograph]["file_name"])

    def press(self, key: str) -> str:
        """Do what a key says and write it down; see `Review.press`."""
        before = (self.review.at, self.review.changes)
        said = self.review.press(key)
        self._keep(before)
        return said

    def go_to(self, at: int) -> None:
        """Look at a photograph by its place, from 0."""
        before = (self.review.at, self.review.changes)
        self.review.go_to(at)
        self._keep(before)

    def save(self) -> Path:
        """Write ``reviewed.json``, whole or not at all, and give its path."""
        path = self.folder / REVIEWED
        with writing_to(path, promise="The review is kept; the same command resumes it."):
            write_text(path, self._json())
        self.journal.saved()
        return path

    def close(self) -> None:
        """Let go of the folder."""
        self.journal.close()
        self._lock.release()

    def codes(self) -> dict[Id, RunLengths]:
        """The mask of each found object of the photograph that is looked at, at the photograph's size.

        Raises:
            DatasetError: One of them is damaged.
        """
        return {one: self._code(one) for one in self.review.objects[self.review.photograph]}

    def scores(self) -> dict[Id, float]:
        """The score of each found object of the photograph that is looked at; 1 where it has none."""
        return {one: _score(self._by_id[one]) for one in self.review.objects[self.review.photograph]}

    def _keep(self, before: tuple[int, int]) -> None:
        """Write down what is other than before."""
        if (self.review.at, self.review.changes) != before:
            self.journal.write(self.review, changed=self.review.changes != before[1])

    def _refuse_to_replace(self, start_over: bool) -> None:
        """A corrected file whose record is gone cannot be gone on with, and must not be lost by accident."""
        if (self.folder / REVIEWED).exists() and not (self.folder / JOURNAL).is_file() and not start_over:
            raise OutputError(
                f"{self.folder / REVIEWED} has no record to resume from; move it elsewhere, "
                "or pass --start-over to replace it."
            )

    def _annotation(self, piece: Piece) -> dict[str, Any]:
        """What ``reviewed.json`` says of a piece: an object as it was found, or the union of several."""
        found = [self._by_id[one] for one in piece.members]
        if len(found) == 1:
            return found[0]
        codes = [self._code(one).to_coco() for one in piece.members]
        union = run_lengths.merge(codes, 0)
        return max(found, key=_score) | {
            "segmentation": {"size": list(union["size"]), "counts": union["counts"].decode()},
            "bbox": [float(value) for value in run_lengths.toBbox([union])[0]],
            "area": int(run_lengths.area([union])[0]),
        }

    def _code(self, one: Id) -> RunLengths:
        annotation = self._by_id[one]
        image = self._file.images[annotation["image_id"]]
        where = f"In {self.folder / OBJECTS}, annotation {one}"
        if not {"height", "width"} <= set(image):
            raise DatasetError(
                f"{where} is of an image without height and width; run `slotlight discover` again."
            )
        known = complete(annotation, (int(image["height"]), int(image["width"])), where)
        if "segmentation" not in known:
            raise DatasetError(f"{where} has no mask; run `slotlight discover` again.")
        return RunLengths.from_coco(known["segmentation"])

    def _json(self) -> Iterator[str]:
        """The corrected file, piece by piece: everything of ``objects.json`` but for what was dropped or merged."""
        seen = [one for one in self.review.photographs if one in self.review.seen]
        info = (run_identity(self.folder) or {}) | {
            "description": "Objects found without labels by Slotlight, reviewed by a person",
            "reviewed": seen,
        }
        yield f'{{"info": {json.dumps(info)},\n "categories": {json.dumps(list(self._file.categories.values()))},\n'
        yield ' "images": ['
        yield from _rows(iter(self._file.images.values()))
        yield '],\n "annotations": ['
        yield from _rows(
            self._annotation(piece) | {"id": number} for number, piece in enumerate(self._kept(), start=1)
        )
        yield "]}\n"

    def _kept(self) -> Iterator[Piece]:
        for photograph in self.review.photographs:
            yield from (piece for piece in self.review.pieces(photograph) if piece.is_kept)


def _rows(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        yield (",\n  " if number else "\n  ") + json.dumps(entry)


def _score(annotation: dict[str, Any]) -> float:
    score = annotation.get("score")
    return float(score) if isinstance(score, int | float) else 1.0
