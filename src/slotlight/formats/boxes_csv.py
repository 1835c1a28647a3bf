"""CSV: a row an object with its box, for spreadsheets and data frames."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from slotlight.files import write_text
from slotlight.formats.found import Found

COLUMNS = (
    *("file_name", "image_id", "width", "height", "object", "class"),
    *("left", "top", "right", "bottom", "area", "score"),
)


def write_csv(found: Found, folder: Path) -> None:
    """Write ``objects.csv``; right and bottom are exclusive, and objects are numbered from 1, best first."""
    write_text(folder / "objects.csv", _rows(found))


def _rows(found: Found) -> Iterator[str]:
    yield csv_line(COLUMNS)
    for photograph in found.photographs():
        of_photograph = (photograph.file_name, photograph.image_id, photograph.width, photograph.height)
        boxes = photograph.boxes_xyxy()
        for number, (annotation, box) in enumerate(zip(photograph.annotations, boxes, strict=True), start=1):
            corners = [f"{value:g}" for value in box]
            values = (number, found.class_of(annotation), *corners, annotation["area"], annotation["score"])
            yield csv_line((*of_photograph, *values))


def csv_line(values: tuple[object, ...]) -> str:
    """A line of a CSV file; bytes of a file's name that are not UTF-8 are spelt out.

    Example:
        >>> csv_line(("a, b.jpg", 1)).strip()
        '"a, b.jpg",1'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace").decode()
