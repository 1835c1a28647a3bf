"""Objects of any number of photographs as Parquet: blocks of so many photographs, each a file, whole or not at all.

A row is a photograph: what it is called, its size, its objects (box, score, area, mask as COCO's run lengths), why it
failed, and which model with which settings looked at it. Blocks follow each other in the order of the photographs'
names; a block is written a thousand rows at a time, so that memory does not grow with the run.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotlight.discovery.record import Line
from slotlight.errors import OutputError
from slotlight.files import whole_file
from slotlight.images.remote import REMEDY

if TYPE_CHECKING:
    import pyarrow

BLOCKS = "objects"
"""The folder of the blocks."""

_ROWS = 1000  # that are in memory


def check_pyarrow() -> None:
    """Refuse blocks before any work is done.

    Raises:
        OutputError: pyarrow is missing.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise OutputError(f"Parquet needs pyarrow; run {REMEDY}.") from None


def block_schema() -> "pyarrow.Schema":
    """The columns; ``error`` is null where a photograph could be read, ``key`` where it has no id of its own."""
    import pyarrow as pa

    of_object = pa.struct(
        [
            *((name, pa.float32()) for name in ("left", "top", "right", "bottom", "score")),
            *(("area", pa.int64()), ("rle", pa.string())),
        ]
    )
    sizes = [(name, pa.int32()) for name in ("width", "height")]
    texts = [(name, pa.string()) for name in ("error", "model", "fingerprint", "settings")]
    return pa.schema(
        [
            *(("file_name", pa.string()), ("key", pa.string()), ("image_id", pa.int64())),
            *(*sizes, ("objects", pa.list_(of_object)), *texts),
        ]
    )


def write_blocks(folder: Path, identity: Mapping[str, Any], lines: Iterable[Line], photographs: int) -> None:
    """Write ``objects/00000.parquet`` and so on, and remove blocks of an earlier run that had more.

    Args:
        folder: Of the results.
        identity: Of the run: model, fingerprint, and the rest, which is its settings.
        lines: The photographs, by file.
        photographs: How many a block has.
    """
    rest = iter(lines)
    number = 0
    for number, first in enumerate(rest, start=1):
        block = _chain(first, islice(rest, photographs - 1))
        _write(block_file(folder, number - 1), identity, block)
    while (beyond := block_file(folder, number)).is_file():
        beyond.unlink()
        number += 1


def block_file(folder: Path, number: int) -> Path:
    """The file of a block.

    Example:
        >>> block_file(Path("found"), 3).as_posix()
        'found/objects/00003.parquet'
    """
    return folder / BLOCKS / f"{number:05}.parquet"


def _chain(first: Line, rest: Iterable[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _write(file: Path, identity: Mapping[str, Any], lines: Iterator[Line]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    told = {name: identity.get(name) for name in ("model", "fingerprint")}
    settings = {name: value for name, value in identity.items() if name not in told}
    told["settings"] = json.dumps(settings, sort_keys=True, default=str)
    columns = block_schema()
    with whole_file(file) as partial, pq.ParquetWriter(partial, columns, compression="zstd") as writer:
        while rows := [_row(line) | told for line in islice(lines, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=columns))


def _row(line: Line) -> dict[str, Any]:
    names = line.names
    return {
        "file_name": _text(names["file"]),
        "key": _text(names["key"]) if "key" in names else None,
        "image_id": line.image_id,
        "width": None if line.cause else line.width,
        "height": None if line.cause else line.height,
        "objects": [object_row(annotation) for annotation in line.annotations],
        "error": line.cause or None,
    }


def object_row(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """An object in COCO's form as a row's ``objects`` have it."""
    left, top, width, height = annotation["bbox"]
    box = {"left": left, "top": top, "right": left + width, "bottom": top + height}
    return box | {
        "score": annotation["score"],
        "area": annotation["area"],
        "rle": annotation["segmentation"]["counts"],
    }


def _text(name: str) -> str:
    """A name that is not valid text, as a terminal shows it."""
    return name.encode("utf-8", "backslashreplace").decode()
