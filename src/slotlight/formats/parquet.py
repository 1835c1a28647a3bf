"""Parquet: a row a photograph, with its objects as a list, for data frames and query engines.

Each group of `ROWS` rows is written at once, so that memory stays constant and a reader can take a group at a time.
``parquet`` is one file for a run, ``parquet-blocks`` as many as it takes, each written whole or not at all. Both are
made at the end, in the order of the photographs' names.
"""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotlight.files import whole_file
from slotlight.formats.found import Found, FoundPhotograph

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1000

BLOCK = 10_000
"""Photographs in a file of ``parquet-blocks``."""


def write_parquet(found: Found, folder: Path) -> None:
    """Write ``objects.parquet``."""
    _write(folder / "objects.parquet", found.read(), found)


def write_parquet_blocks(found: Found, folder: Path) -> None:
    """Write ``objects/00000.parquet`` and so on, of `BLOCK` photographs each, and remove blocks of a longer run."""
    photographs = found.read()
    number = 0
    for number, first in enumerate(photographs, start=1):
        _write(block_file(folder, number - 1), chain([first], islice(photographs, BLOCK - 1)), found)
    while (beyond := block_file(folder, number)).is_file():
        beyond.unlink()
        number += 1


def block_file(folder: Path, number: int) -> Path:
    """The file of a block.

    Example:
        >>> block_file(Path("found"), 3).as_posix()
        'found/objects/00003.parquet'
    """
    return folder / "objects" / f"{number:05}.parquet"


def _write(file: Path, photographs: Iterator[FoundPhotograph], found: Found) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = parquet_schema()
    with whole_file(file) as partial, pq.ParquetWriter(partial, columns) as writer:
        for group in _groups(photographs):
            rows = [parquet_row(photograph, found) for photograph in group]
            writer.write_table(pa.Table.from_pylist(rows, schema=columns))


def parquet_schema() -> "pa.Schema":
    """The columns.

    ``rle`` is the compressed ``counts`` of COCO's tools, for a mask of the photograph's size; ``error`` is null where
    the photograph could be read, ``key`` where it has no id of its own; ``settings`` is JSON.
    """
    import pyarrow as pa

    corners = [(name, pa.float32()) for name in ("left", "top", "right", "bottom")]
    texts = [(name, pa.string()) for name in ("class", "rle")]
    of_object = pa.struct([*corners, ("area", pa.int64()), ("score", pa.float32()), *texts])
    numbers = [("image_id", pa.int64()), ("width", pa.int32()), ("height", pa.int32())]
    told = [(name, pa.string()) for name in ("error", "model", "fingerprint", "settings")]
    names = [(name, pa.string()) for name in ("file_name", "key")]
    return pa.schema([*names, *numbers, ("objects", pa.list_(of_object)), *told])


def _groups(photographs: Iterator[FoundPhotograph]) -> Iterator[list[FoundPhotograph]]:
    while rows := list(islice(photographs, ROWS)):
        yield rows


def parquet_row(photograph: FoundPhotograph, found: Found) -> dict[str, Any]:
    """One photograph as a row."""
    failed = bool(photograph.cause)
    told = {name: found.info.get(name) for name in ("model", "fingerprint")}
    settings = {name: value for name, value in found.info.items() if name not in told}
    return {
        "file_name": _text(photograph.file_name),
        "key": _text(photograph.key) if photograph.key else None,
        "image_id": photograph.image_id,
        "width": None if failed else photograph.width,
        "height": None if failed else photograph.height,
        "objects": [
            {
                **dict(zip(("left", "top", "right", "bottom"), box.tolist(), strict=True)),
                "area": annotation["area"],
                "score": annotation["score"],
                "class": found.class_of(annotation),
                "rle": annotation["segmentation"]["counts"],
            }
            for annotation, box in zip(photograph.annotations, photograph.boxes_xyxy(), strict=True)
        ],
        "error": photograph.cause or None,
        **told,
        "settings": json.dumps(settings, sort_keys=True, default=str),
    }


def _text(name: str) -> str:
    """A name that is not valid text, as a terminal shows it."""
    return name.encode("utf-8", "backslashreplace").decode()
