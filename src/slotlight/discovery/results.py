"""Discoveries → a folder: ``objects.json`` (COCO), ``masks/``, ``overlays/``, ``failures.json``.

A photograph is done when its line is in ``.progress.jsonl``, written after its pictures. The same run, started again,
goes on from there: photographs that have changed or are new are looked at, pictures of those that are gone are deleted,
and the end is that of a fresh run.
"""

import json
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from PIL.Image import Image

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.naming import picture_names
from slotlight.drawing import label_map
from slotlight.errors import OutputError, printable
from slotlight.files import begin_run, sealed, stamp, unsealed, whole_file, write_text
from slotlight.formats.coco import CocoImage, coco_json

WRITERS = 2
OUTPUTS = ("objects.json", "failures.json", "masks", "overlays", ".progress.jsonl")
_WAITING = 16  # discoveries that may wait for a writer; more would grow in memory
_WAITING_BYTES = 400_000_000  # of their photographs and masks
_MOST_JPEG_SIDE = 65_500
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """One finished photograph of ``.progress.jsonl``.

    Attributes:
        file: Its path as it was given.
        stamp: Its size and time of change.
        name: What its pictures are called.
    """

    file: str
    stamp: list[int]
    name: str
    width: int
    height: int
    annotations: list[dict[str, Any]]


class ResultFolder:
    """Writes what a run discovers, in threads, safely against kills and full disks.

    Args:
        folder: Made if need be.
        photographs: All photographs of the run; they decide the names of the pictures.
        identity: What decides the run's result beside the photographs; ``objects.json`` tells it.
        overlays: Whether to draw ``overlays/``.
        start_over: Delete what another run wrote here.

    Attributes:
        done: Photographs that need not be looked at again.

    Raises:
        OutputError: The folder cannot be written, is in use, or holds another run.
    """

    def __init__(
        self,
        folder: Path,
        photographs: Sequence[Path],
        identity: Mapping[str, Any],
        *,
        overlays: bool = True,
        start_over: bool = False,
    ) -> None:
        self.folder, self.identity, self.overlays = folder, dict(identity), overlays
        self.names = picture_names(photographs)
        self._stamps = {str(path): list(stamp(path)[1:]) for path in photographs}
        self._ids = {str(path): number for number, path in enumerate(photographs, start=1)}
        self._progress = folder / ".progress.jsonl"
        self._lock = begin_run(
            folder, self.identity | {"overlays": overlays}, outputs=OUTPUTS, start_over=start_over
        )
        try:
            with _writing(folder):
                self._offsets = self._resume()
                self._lines: IO[str] = self._progress.open("a", encoding="utf-8")
        except BaseException:
            self._lock.release()
            raise
        self.done = {Path(file) for file in self._offsets}
        self._pool = ThreadPoolExecutor(WRITERS)
        self._waiting: deque[tuple[Future[Line], int]] = deque()
        self._bytes = 0

    def add(self, discovery: Discovery) -> None:
        """Queue one discovery to be written; waits while too many are queued."""
        if discovery.path is None:
            raise OutputError("Only photographs that are files have a name to be written under.")
        size = discovery.image.nbytes + discovery.segments.nbytes + discovery.masks.nbytes
        while self._waiting and (len(self._waiting) >= _WAITING or self._bytes + size > _WAITING_BYTES):
            self._record()
        self._bytes += size
        self._waiting.append((self._pool.submit(self._write, discovery, discovery.path), size))

    def finish(self, failures: Sequence[tuple[Path, str]]) -> None:
        """Write all that waits, then ``objects.json`` and ``failures.json``."""
        with _writing(self.folder):
            while self._waiting:
                self._record()
            self._lines.close()
            causes = [{"file": str(path), "cause": cause} for path, cause in failures]
            write_text(self.folder / "failures.json", [json.dumps(causes, indent=2)])
            info = self.identity | {"description": "Objects found without labels by Slotlight"}
            write_text(self.folder / "objects.json", coco_json(info, self._images))

    def close(self) -> None:
        """Let go of threads, files and the folder; what is recorded stays for the next run."""
        self._pool.shutdown(cancel_futures=True)
        self._lock.release()
        with _writing(self.folder):
            self._lines.close()

    def _record(self) -> None:
        future, size = self._waiting.popleft()
        self._bytes -= size
        line = future.result()
        self._offsets[line.file] = self._lines.tell()
        self._lines.write(_encoded(line))
        self._lines.flush()

    def _images(self) -> Iterator[tuple[int, CocoImage]]:
        """The finished photographs and their ids, in the order in which they were given."""
        with self._progress.open("rb") as lines:
            for file in sorted(self._offsets, key=self._ids.__getitem__):
                lines.seek(self._offsets[file])
                if line := _decoded(lines.readline()):
                    yield self._ids[file], CocoImage(file, line.width, line.height, line.annotations)

    def _pictures(self, name: str) -> list[Path]:
        overlay = [self.folder / "overlays" / f"{name}.jpg"] if self.overlays else []
        return [self.folder / "masks" / f"{name}.png", *overlay]

    def _write(self, discovery: Discovery, path: Path) -> Line:
        name = self.names[path]
        mask, *overlay = self._pictures(name)
        _save_picture(label_map(discovery.labels), mask, compress_level=3)
        for file in overlay:  # a JPEG takes a twentieth of a PNG's time and a quarter of its room
            self._draw(discovery, file)
        height, width = discovery.image.shape[:2]
        return Line(str(path), self._stamps[str(path)], name, width, height, discovery.to_coco())

    def _draw(self, discovery: Discovery, file: Path) -> None:
        """Write an overlay; it is there to be looked at, so one that cannot be drawn ends nothing."""
        try:
            picture = discovery.overlay()
            picture.thumbnail((_MOST_JPEG_SIDE, _MOST_JPEG_SIDE))
        except Exception as fault:  # drawing libraries raise anything
            _LOG.warning("No overlay of %s could be drawn: %s", printable(str(discovery.path)), fault)
            return
        _save_picture(picture, file, quality=90)

    def _resume(self) -> dict[str, int]:
        """Take up an earlier record: where the line of each photograph that is still done begins."""
        offsets: dict[str, int] = {}
        stale: set[Path] = set()

        def kept() -> Iterator[str]:
            end = 0
            for line in _whole_lines(self._progress):
                if self._is_current(line) and line.file not in offsets:
                    text = _encoded(line)
                    offsets[line.file] = end
                    end += len(text)  # what is written is ASCII
                    yield text
                else:
                    stale.update(self._pictures(line.name))

        write_text(self._progress, kept())
        current = {picture for name in self.names.values() for picture in self._pictures(name)}
        for picture in stale - current:
            picture.unlink(missing_ok=True)
        return offsets

    def _is_current(self, line: Line) -> bool:
        """Whether a line is of this photograph as it is now, under the name that it has now."""
        path = Path(line.file)
        is_same = self._stamps.get(line.file) == line.stamp and self.names.get(path) == line.name
        return is_same and self._pictures(line.name)[0].is_file()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn the system's faults in writing into one clear sentence."""
    try:
        yield
    except OSError as fault:
        raise OutputError(
            f"{folder} cannot be written: {fault.strerror or fault}; make room or choose another --out. "
            "What is done is kept, and the same command goes on from there."
        ) from fault


def _save_picture(picture: Image, path: Path, **how: Any) -> None:
    # A sync for each picture would take longer than the model.
    with whole_file(path, durable=False) as partial:
        picture.save(partial, **how)


def _encoded(line: Line) -> str:
    return sealed(asdict(line)) + "\n"


def _decoded(text: bytes) -> Line | None:
    """A line of a record; None where it is damaged."""
    record = unsealed(text)
    return None if record is None else Line(**record)


def _whole_lines(path: Path) -> Iterator[Line]:
    """The lines of a record but for those that are damaged or that a kill cut off."""
    if path.is_file():
        with path.open("rb") as lines:
            yield from filter(None, map(_decoded, lines))
