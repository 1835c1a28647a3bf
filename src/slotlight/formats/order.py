"""The order in which a person should look at the photographs: those that the model is least certain of come first."""

from pathlib import Path

from slotlight.files import csv_line, write_text
from slotlight.formats.found import Found


def write_uncertain_first(found: Found, folder: Path) -> None:
    """Write ``uncertain-first.csv``: a row a photograph, by rising mean score of its objects."""
    photographs = sorted(
        (photograph.certainty(), photograph.file_name, len(photograph.annotations))
        for photograph in found.photographs()
    )
    rows = (csv_line((name, count, certainty)) for certainty, name, count in photographs)
    write_text(folder / "uncertain-first.csv", [csv_line(("file_name", "objects", "certainty")), *rows])
