"""Discoveries → a folder: ``objects.json`` (COCO), ``masks/``, ``overlays/``, ``failures.json``.

A photograph is done when its line is in ``progress.jsonl``, written after its pictures: a killed run that is started
again goes on where it stopped, and nothing grows with the number of photographs but that file.
"""

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from PIL.Image import Image

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.naming import picture_names
from slotlight.drawing import label_map
from slotlight.errors import OutputError
from slotlight.files import claim_folder

WRITERS = 2
_WAITING = 16  # discoveries that may wait for a writer; more would grow in memory
_MOST_JPEG_SIDE = 65_500


@dataclass(frozen=True)
class RunInfo:
    """What ``objects.json`` says of the run that wrote it; a run only resumes one that says the same."""

    model: str
    version: str
    seed: int
    settings: str


@dataclass(frozen=True)
class Line:
    """One finished photograph of ``progress.jsonl``."""

    file: str
    width: int
    height: int
    annotations: list[dict[str, Any]]


class ResultFolder:
    """Writes what a run discovers, in threads, safely against kills and full disks.

    Args:
        folder: Made if need be.
        photographs: All photographs of the run; they decide the names of the pictures.
        info: What the run is.
        overlays: Whether to draw ``overlays/``.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """

    def __init__(
        self, folder: Path, photographs: Sequence[Path], info: RunInfo, *, overlays: bool = True
    ) -> None:
        self.folder, self.info, self.overlays = folder, info, overlays
        self.names = picture_names(photographs)
        self._progress = folder / "progress.jsonl"
        self._order = {str(path): number for number, path in enumerate(photographs)}
        self._lock = claim_folder(folder)
        with _writing(folder):
            for part in ("masks", *(["overlays"] if overlays else [])):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self.done = self._resume()
            self._lines: IO[str] = self._progress.open("a")
        self._pool = ThreadPoolExecutor(WRITERS)
        self._waiting: deque[Future[Line]] = deque()

    def add(self, discovery: Discovery) -> None:
        """Queue one discovery to be written; waits while too many are queued."""
        if discovery.path is None:
            raise OutputError("Only photographs that are files have a name to be written under.")
        self._waiting.append(self._pool.submit(self._write, discovery, discovery.path))
        while len(self._waiting) > _WAITING:
            self._record()

    def finish(self, failures: Sequence[tuple[Path, str]]) -> None:
        """Write all that waits, then ``objects.json`` and ``failures.json``."""
        with _writing(self.folder):
            while self._waiting:
                self._record()
            self._lines.close()
            causes = [{"file": str(path), "cause": cause} for path, cause in failures]
            _write_whole(self.folder / "failures.json", [json.dumps(causes, indent=2)])
            _write_whole(self.folder / "objects.json", self._coco())
        self._progress.unlink()

    def close(self) -> None:
        """Let go of threads and files without finishing; what is recorded stays for the next run."""
        self._pool.shutdown(cancel_futures=True)
        self._lock.release()
        with _writing(self.folder):
            self._lines.close()

    def lines(self) -> Iterator[Line]:
        """The finished photographs."""
        with self._progress.open() as lines:
            next(lines)
            for line in lines:
                yield Line(**json.loads(line))

    def _record(self) -> None:
        with _writing(self.folder):
            line = self._waiting.popleft().result()
            self._lines.write(json.dumps(asdict(line)) + "\n")
            self._lines.flush()

    def _write(self, discovery: Discovery, path: Path) -> Line:
        name = self.names[path]
        _save_picture(label_map(discovery.labels), self.folder / "masks" / f"{name}.png", compress_level=3)
        if self.overlays:  # a JPEG takes a twentieth of a PNG's time and a quarter of its room
            picture = discovery.overlay()
            picture.thumbnail((_MOST_JPEG_SIDE, _MOST_JPEG_SIDE))
            _save_picture(picture, self.folder / "overlays" / f"{name}.jpg", quality=90)
        height, width = discovery.image.shape[:2]
        return Line(str(path), width, height, discovery.to_coco())

    def _resume(self) -> set[Path]:
        """Start ``progress.jsonl``, or take up one of the same run; its last line may be cut off."""
        head = json.dumps(asdict(self.info)) + "\n"
        done: set[Path] = set()
        _write_whole(self._progress, chain([head], self._kept(head, done)))
        return done

    def _kept(self, head: str, done: set[Path]) -> Iterator[str]:
        """The whole lines of an earlier ``progress.jsonl`` of the same run; notes whose they are."""
        if not self._progress.is_file():
            return
        with self._progress.open() as lines:
            for line in lines if next(lines, "") == head else ():
                if (file := _file_of(line)) is not None:
                    done.add(Path(file))
                    yield line

    def _coco(self) -> Iterator[str]:
        """``objects.json`` piece by piece, so that it need not fit in memory."""
        info = asdict(self.info) | {"description": "Objects found without labels by Slotlight"}
        yield f'{{"info": {json.dumps(info)},\n "categories": [{{"id": 1, "name": "object"}}],\n "images": ['
        for number, line in enumerate(self.lines()):
            image = {"id": self._order.get(line.file, number) + 1, "file_name": line.file}
            yield (",\n  " if number else "\n  ") + json.dumps(
                image | {"width": line.width, "height": line.height}
            )
        yield '],\n "annotations": ['
        count = 0
        for number, line in enumerate(self.lines()):
            for annotation in line.annotations:
                count += 1
                ids = {"id": count, "image_id": self._order.get(line.file, number) + 1}
                yield (",\n  " if count > 1 else "\n  ") + json.dumps(annotation | ids)
        yield "]}\n"


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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")  # its format follows from its suffix
    picture.save(partial, **how)
    partial.replace(path)


def _write_whole(path: Path, pieces: Iterable[str]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _file_of(line: str) -> str | None:
    """Whose line of ``progress.jsonl`` it is; nobody's if it was cut off."""
    try:
        return str(json.loads(line)["file"]) if line.endswith("\n") else None
    except (ValueError, KeyError, TypeError):
        return None
