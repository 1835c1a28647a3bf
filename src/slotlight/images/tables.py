"""Photographs that a table names or holds: lists of paths and URLs, CSV manifests, Parquet of URLs or of bytes.

A column called ``id``, ``image_id``, ``key`` or ``__key__`` gives photographs their own ids; one called ``path``,
``file``, ``file_name``, ``filename``, ``url``, ``uri`` or ``image_url`` says where they lie. In Parquet a column of
bytes (or the ``image`` of Hugging Face's data sets, which holds a field ``bytes``) is the photographs themselves.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slotlight.errors import ImageError, SlotlightError
from slotlight.files import stamp
from slotlight.images.places import Located, Nowhere, place_of
from slotlight.images.remote import REMEDY, is_url, look_up, open_remote, patiently

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

OWN_IDS = ("id", "image_id", "key", "__key__")
REFERENCES = ("path", "file", "file_name", "filename", "url", "uri", "image_url")
_ROWS = 8  # that are decoded at once
_BUFFER = 1 << 20


def in_list(file: str) -> Iterator[Located]:
    """The photographs that a text file names, a path or URL a line; paths begin at the file's folder."""
    base = folder_of(file)
    with _opened(file) as lines:
        for line in lines:
            if reference := line.strip("\r\n"):
                address, place = place_of(reference, base)
                yield Located(address, place)


def in_manifest(file: str) -> Iterator[Located]:
    """The photographs of a CSV file with a header.

    Raises:
        ImageError: It has no column that says where photographs lie.
    """
    with _opened(file) as lines:
        rows = csv.DictReader(lines)
        try:
            names = rows.fieldnames or []
            own, reference = _column(names, OWN_IDS), _column(names, REFERENCES)
            if reference is None:
                raise _no_column(file, names)
            for row in rows:
                yield _named(file, rows.line_num, row[own] if own else None, row[reference])
        except (csv.Error, UnicodeDecodeError) as error:
            raise ImageError(f"{file}, line {rows.line_num}: {error}; save it as CSV in UTF-8.") from None


def in_parquet(file: str) -> Iterator[Located]:
    """The photographs of a Parquet file, whose bytes it holds or names; only ids and addresses are read.

    Raises:
        ImageError: It is damaged, or has no column that holds photographs or says where they lie.
        SlotlightError: pyarrow is missing.
    """
    version = tuple(look_up(file).version if is_url(file) else stamp(Path(file))[1:])
    return iter(patiently(file, lambda: list(_rows_of(file, version))))


def _rows_of(file: str, version: tuple[int, ...]) -> Iterator[Located]:
    with parquet_file(file) as table:
        own, reference, content = _parquet_columns(file, table)
        read = [name for name in (own, reference) if name]
        number = 0
        for group in range(table.num_row_groups):
            rows: Iterable[dict[str, Any]] = ({} for _ in range(table.metadata.row_group(group).num_rows))
            if read:
                batches = table.iter_batches(row_groups=[group], columns=read)
                rows = (row for batch in batches for row in batch.to_pylist())
            for place, row in enumerate(rows):
                if content is None:
                    assert reference is not None
                    yield _named(file, number, row[own] if own else None, row[reference])
                else:
                    held = Row(file, version, group, place, content)
                    key = row[own] if own else None
                    yield Located(f"{file}/{number}" if key is None else str(key), held, own=key is not None)
                number += 1


@dataclass(frozen=True, slots=True)
class Row:
    """A photograph's bytes in a row of a Parquet file.

    Attributes:
        file: The path or URL of the file.
        version: Its stamp.
        row_group: The row group.
        number: The row in it, from 0.
        column: Where the bytes are, as Parquet calls it.
    """

    file: str
    version: tuple[int, ...]
    row_group: int
    number: int
    column: str

    @property
    def group(self) -> str:
        """Its row group, which is read from its beginning."""
        return f"{self.file}#{self.row_group}"

    def stamp(self) -> list[int]:
        """That of the file, and the row."""
        return [*self.version, self.row_group, self.number]

    def read(self) -> bytes:
        """The bytes."""
        content = next(read_rows([self]))
        if isinstance(content, ImageError):
            raise content
        return content


def read_rows(rows: Sequence[Row]) -> Iterator[bytes | ImageError]:
    """The bytes of rows of one row group, in order; the group is read once, a few rows at a time."""
    file = rows[0].file
    stream: Iterator[bytes | ImageError] | None = None

    def following() -> bytes | ImageError:
        nonlocal stream
        stream = stream or _contents(rows[done:])
        try:
            content = next(stream, None)
        except BaseException:
            stream = None
            raise
        return ImageError(f"{file} has fewer rows than before; run again.") if content is None else content

    for done in range(len(rows)):
        try:
            yield patiently(file, following)
        except ImageError as fault:
            yield from (fault for _ in rows[done:])
            return


def _contents(rows: Sequence[Row]) -> Iterator[bytes | ImageError]:
    first, wanted = rows[0], {row.number for row in rows}
    with parquet_file(first.file) as table:
        batches = table.iter_batches(_ROWS, row_groups=[first.row_group], columns=[first.column])
        values = (value for batch in batches for value in batch.column(0))
        for number, value in enumerate(values):
            if number in wanted:
                content = value.as_py()
                content = content.get("bytes") if isinstance(content, dict) else content
                yield content or ImageError(
                    f"{first.file} holds nothing in row {number} of group {first.row_group}."
                )


@contextmanager
def parquet_file(file: str) -> Iterator["ParquetFile"]:
    """A Parquet file, read piece by piece.

    Raises:
        ImageError: It is damaged or missing.
        SlotlightError: pyarrow is missing.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise SlotlightError(f"{file} needs pyarrow; run {REMEDY}.") from None
    try:
        source = open_remote(file) if is_url(file) else file
        with ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False) as table:
            yield table
    except pyarrow.ArrowException as error:
        cause = " ".join(str(error).split())[:200].rstrip(".")
        raise ImageError(f"{file} is not Parquet, or is damaged: {cause}.") from None
    except OSError as error:
        if is_url(file):
            raise
        raise ImageError(f"{file} cannot be read: {error.strerror or error}.") from None


def folder_of(file: str) -> str:
    """The folder of a path, or the URL up to its last part."""
    return file.rpartition("/")[0] if is_url(file) else str(Path(file).parent)


def _named(file: str, row: int, own: Any, reference: Any) -> Located:
    """A photograph that a row names."""
    has_id = own is not None and str(own) != ""
    name = str(own) if has_id else f"{file}/{row}"
    if not reference:
        return Located(name, Nowhere(f"{file} does not say where {name} is; fill in its row."), own=has_id)
    address, place = place_of(str(reference), folder_of(file))
    return Located(name, place, address, own=True) if has_id else Located(address, place)


def _column(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The first of some columns that a table has, whatever the case of its letters."""
    lower = {name.strip().lower(): name for name in names}
    return next((lower[name] for name in known if name in lower), None)


def _no_column(file: str, names: Sequence[str]) -> ImageError:
    return ImageError(
        f"{file} has the columns {', '.join(names) or '(none)'}; call the one that locates the photographs "
        f"{', '.join(REFERENCES[:-1])} or {REFERENCES[-1]}."
    )


def _parquet_columns(file: str, table: "ParquetFile") -> tuple[str | None, str | None, str | None]:
    """The columns of own ids, of addresses and of bytes; one of the latter two is there."""
    import pyarrow.types as kind

    schema = table.schema_arrow
    texts = [f.name for f in schema if kind.is_string(f.type) or kind.is_large_string(f.type)]
    numbers = [f.name for f in schema if kind.is_integer(f.type)]
    held = [f.name for f in schema if kind.is_binary(f.type) or kind.is_large_binary(f.type)]
    held += [
        f"{f.name}.bytes" for f in schema if kind.is_struct(f.type) and f.type.get_field_index("bytes") >= 0
    ]
    if len(held) > 1:
        raise ImageError(
            f"{file} has several columns of bytes ({', '.join(held)}); keep only the one with the photographs."
        )
    reference = _column(texts, REFERENCES)
    if not held and reference is None:
        raise _no_column(file, schema.names)
    return _column([*texts, *numbers], OWN_IDS), reference, held[0] if held else None


@contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    """The lines of a local or remote text file."""
    how: dict[str, Any] = {"encoding": "utf-8-sig", "newline": "", "errors": "surrogateescape"}
    if is_url(file):
        content = patiently(file, lambda: open_remote(file))
        with io.TextIOWrapper(content, **how) as lines:
            yield lines
        return
    try:
        with Path(file).open(**how) as lines:
            yield lines
    except OSError as error:
        raise ImageError(f"{file} cannot be read: {error.strerror or error}.") from None
