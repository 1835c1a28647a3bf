"""Parquet: a row a photograph, with its objects as a list, for data frames and query engines.

Each group of `ROWS` rows is written at once, so that memory stays constant and a reader can take a group at a time.
It is one file for one run, made at the end.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotlight.files import whole_file
from slotlight.formats.found import Found, FoundPhotograph

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1000


def write_parquet(found: Found, folder: Path) -> None:
    """Write ``objects.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = parquet_schema()
    with whole_file(folder / "objects.parquet") as partial, pq.ParquetWriter(partial, columns) as writer:
        for photographs in _groups(found.read()):
            rows = [parquet_row(photograph, found) for photograph in photographs]
            writer.write_table(pa.Table.from_pylist(rows, schema=columns))


def parquet_schema() -> "pa.Schema":
    """The columns.

    ``rle`` is the compressed ``counts`` of COCO's tools, for a mask of the photograph's size; ``error`` is null where
    the photograph could be read.
    """
    import pyarrow as pa

    corners = [(name, pa.float32()) for name in ("left", "top", "right", "bottom")]
    texts = [(name, pa.string()) for name in ("class", "rle")]
    of_object = pa.struct([*corners, ("area", pa.int64()), ("score", pa.float32()), *texts])
    numbers = [("image_id", pa.int64()), ("width", pa.int32()), ("height", pa.int32())]
    told = [(name, pa.string()) for name in ("error", "model", "fingerprint")]
    return pa.schema([("file_name", pa.string()), *numbers, ("objects", pa.list_(of_object)), *told])


def _groups(photographs: Iterator[FoundPhotograph]) -> Iterator[list[FoundPhotograph]]:
    while rows := list(islice(photographs, ROWS)):
        yield rows


def parquet_row(photograph: FoundPhotograph, found: Found) -> dict[str, Any]:
    """One photograph as a row."""
    failed = bool(photograph.cause)
    return {
        "file_name": photograph.file_name.encode("utf-8", "backslashreplace").decode(),
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
        "model": found.info.get("model"),
        "fingerprint": found.info.get("fingerprint"),
    }
