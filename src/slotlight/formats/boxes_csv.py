"""CSV: a row an object with its box, for spreadsheets and data frames."""

from collections.abc import Iterator
from pathlib import Path

from slotlight.files import csv_line, write_text
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
