"""Photographs where they lie → their bytes, as they come: a slow one keeps no other waiting.

Local files are handed on as paths, for the decoder to read as much of them as it needs.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from slotlight.errors import ImageError
from slotlight.images.files import Encoded
from slotlight.images.places import LocalFile, Place
from slotlight.images.remote import Stop, obey
from slotlight.images.tables import Row, read_rows

FETCHERS = 16
"""Photographs that are asked for at once."""

_READY = 16  # that may wait to be taken


@runtime_checkable
class _Placed(Protocol):
    @property
    def place(self) -> Place: ...

    @property
    def shown(self) -> str: ...


Photograph = TypeVar("Photograph", bound=_Placed)


def fetch(photographs: Iterable[Photograph]) -> Iterator[tuple[Photograph, Path | Encoded | ImageError]]:
    """Read photographs, `FETCHERS` at a time; each with its path, its bytes, or why it cannot be read.

    Args:
        photographs: Taken as there is room for them; local files come in their order, others as they arrive.

    Example:
        >>> from slotlight.images.places import Located
        >>> [content for _, content in fetch([Located.at("a.jpg")])]
        [PosixPath('a.jpg')]
    """
    stop = Stop()
    pool = ThreadPoolExecutor(FETCHERS, initializer=obey, initargs=(stop,))
    try:
        for group, members in groupby(photographs, key=lambda photograph: photograph.place.group):
            yield from (_in_order if group else _as_they_come)(pool, members)
    finally:
        stop.now()
        pool.shutdown(cancel_futures=True)


def _as_they_come(
    pool: ThreadPoolExecutor, photographs: Iterable[Photograph]
) -> Iterator[tuple[Photograph, Path | Encoded | ImageError]]:
    waiting: dict[Future[Encoded | ImageError], Photograph] = {}
    for photograph in photographs:
        if isinstance(photograph.place, LocalFile):
            yield photograph, Path(photograph.place.path)
            continue
        waiting[pool.submit(_read, photograph)] = photograph
        if len(waiting) >= FETCHERS + _READY:
            yield from _taken(waiting)
    while waiting:
        yield from _taken(waiting)


def _taken(
    waiting: dict[Future[Encoded | ImageError], Photograph],
) -> Iterator[tuple[Photograph, Path | Encoded | ImageError]]:
    """Those that have arrived, at least one."""
    done = wait(waiting, return_when=FIRST_COMPLETED).done
    for future in done:
        yield waiting.pop(future), future.result()


def _read(photograph: _Placed) -> Encoded | ImageError:
    try:
        return _encoded(photograph, photograph.place.read())
    except ImageError as fault:
        return fault


def _in_order(
    pool: ThreadPoolExecutor, photographs: Iterable[Photograph]
) -> Iterator[tuple[Photograph, Path | Encoded | ImageError]]:
    """Rows of one group, each read while the former is used."""
    photographs = list(photographs)
    contents = read_rows([row for photograph in photographs if isinstance(row := photograph.place, Row)])
    following = pool.submit(next, contents)
    for number, photograph in enumerate(photographs, start=1):
        content = following.result()
        if number < len(photographs):
            following = pool.submit(next, contents)
        yield photograph, content if isinstance(content, ImageError) else _encoded(photograph, content)


def _encoded(photograph: _Placed, content: bytes) -> Encoded | ImageError:
    name = photograph.shown
    return Encoded(name, content) if content else ImageError(f"{name} is empty (0 bytes); copy it again.")
