"""A video → a folder: ``tracks.json`` (COCO-video), ``tracks.csv`` and ``annotated.mp4``.

Memory does not grow with the video but for a few bytes a frame and track. Every `PIECE` frames a checkpoint is written;
after a kill the same command goes on from there, to the files of an undisturbed run.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path

from slotlight.config import TrackRule
from slotlight.discovery.discoverer import Discoverer
from slotlight.drawing import colour_of, overlay
from slotlight.errors import VideoError
from slotlight.files import RESUMES, begin_run, csv_line, write_text, writing_to
from slotlight.formats.coco_video import VideoInfo, coco_video_json
from slotlight.video.finding import FrameObjects, find_in_frames
from slotlight.video.reading import Frame, FrameReader
from slotlight.video.record import CHECKPOINT, FRAMES, Checkpoint, FrameLine, TrackIndex
from slotlight.video.tracker import Tracker
from slotlight.video.writing import PartWriter, join_parts, part_paths, stale_parts

PIECE = 60
"""Frames between two checkpoints."""

ANNOTATED, TRACKS_JSON, TRACKS_CSV = "annotated.mp4", "tracks.json", "tracks.csv"
_PARTS = ".parts"
OUTPUTS = (ANNOTATED, TRACKS_JSON, TRACKS_CSV, _PARTS, FRAMES, CHECKPOINT)
_DRAWING = 8  # frames that may wait to be drawn
_COLUMNS = ("frame", "time_s", "track", "left", "top", "width", "height", "area", "score")


@dataclass(frozen=True)
class Tracked:
    """What became of a video.

    Attributes:
        frames: How many were looked at, in earlier runs too.
        tracks: How many objects were told apart.
        note: What was unusual about the video, in a sentence; empty if nothing was.
        is_damaged: Whether some of it could not be read.
    """

    frames: int
    tracks: int
    note: str = ""
    is_damaged: bool = False


def track_video(
    discoverer: Discoverer,
    reader: FrameReader,
    out: Path,
    rule: TrackRule = TrackRule(),  # noqa: B008
    *,
    max_frames: int | None = None,
    seed: int = 0,
    batch_size: int = 8,
    annotated: bool = True,
    start_over: bool = False,
    on_frame: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tracked:
    """Find the objects of a video and follow them.

    Args:
        discoverer: What finds them in each frame.
        reader: Of the video.
        out: A new or empty folder, or that of an earlier run.
        rule: Which object of a frame is which of those before.
        max_frames: Look at no more than so many frames.
        seed: Of the slots' initial noise.
        batch_size: Frames that go through the model at once; those of a camera go one by one.
        annotated: Draw the objects into a video.
        start_over: Delete what another run wrote there.
        on_frame: Called with the number of frames that are done.
        stop: Asked after each frame; the video ends where it says so.

    Raises:
        VideoError: No frame of the video can be read.
        OutputError: The folder holds another run, or cannot be written.
    """
    identity = {
        "video": reader.source.identity,
        "model": discoverer.name,
        "fingerprint": discoverer.segmenter.fingerprint(),
        "seed": seed,
        "every": reader.every,
        "max_frames": max_frames,
        "annotated": annotated,
    }
    identity |= asdict(discoverer.rule) | asdict(rule)
    with (
        begin_run(out, identity, outputs=OUTPUTS, start_over=start_over),
        writing_to(out, promise=RESUMES),
        ThreadPoolExecutor(1) as pool,
    ):
        run = _Run(discoverer, reader, out, Tracker(rule), pool, annotated=annotated, seed=seed)
        run.batch_size = 1 if reader.source.is_live else batch_size
        return run.go(max_frames, on_frame, stop)


class _Run:
    """One video on its way into a folder."""

    def __init__(
        self,
        discoverer: Discoverer,
        reader: FrameReader,
        out: Path,
        tracker: Tracker,
        pool: ThreadPoolExecutor,
        *,
        annotated: bool,
        seed: int,
    ) -> None:
        self.discoverer, self.reader, self.out, self.tracker = discoverer, reader, out, tracker
        self.annotated, self.seed, self.batch_size = annotated, seed, 1
        self._pool = pool
        self.at = Checkpoint.read(out)
        tracker.restore(self.at.tracker)

    def go(
        self, max_frames: int | None, on_frame: Callable[[int], None], stop: Callable[[], bool]
    ) -> Tracked:
        """Look at what is left of the video, and write everything."""
        if not self.at.finished:
            self._drop_what_no_checkpoint_knows()
            on_frame(self.at.taken)
            left = None if max_frames is None else max(0, max_frames - self.at.taken)
            frames = _until(islice(self._frames(), left), stop)
            for first in frames:
                self._piece(chain([first], islice(frames, PIECE - 1)), on_frame)
            if not self.at.taken:
                raise VideoError(f"{self.reader.source.name} was stopped before its first frame.")
            self._finish()
        return Tracked(self.at.taken, self.at.tracker["born"], self.at.note, self.at.is_damaged)

    def _drop_what_no_checkpoint_knows(self) -> None:
        with (self.out / FRAMES).open("ab") as record:
            record.truncate(self.at.record_bytes)
        for path in list(stale_parts(self.out / _PARTS, self.at.parts)):
            path.unlink()

    def _frames(self) -> Iterator[Frame]:
        """What was not looked at; a camera goes on now, as if it had not been off."""
        if not self.reader.source.is_live:
            yield from self.reader.frames(self.at.next_frame)
            return
        number, time = self.at.next_frame, self.at.time_s + (1 / self.reader.rate if self.at.taken else 0)
        for frame in self.reader.frames():
            yield replace(frame, number=number + frame.number, time_s=time + frame.time_s)

    def _piece(self, frames: Iterator[Frame], on_frame: Callable[[int], None]) -> None:
        """Look at some frames, then write a checkpoint."""
        batch = list(islice(frames, self.batch_size))
        self.at.size = self.at.size if any(self.at.size) else list(batch[0].image.shape[:2])
        part = part_paths(self.out / _PARTS, self.at.parts + 1)[-1]
        size = self.at.size[0], self.at.size[1]
        with (
            _Drawing(
                PartWriter(part, size, self.reader.rate) if self.annotated else None, self._pool
            ) as drawing,
            (self.out / FRAMES).open("ab") as record,
        ):
            while batch:
                for found in find_in_frames(self.discoverer, batch, seed=self.seed):
                    annotations = found.annotations()
                    numbers = self.tracker.update(annotations, found.features)
                    drawing.add(found, numbers)
                    record.write(_line(found, annotations, numbers).encoded())
                    self.at.taken += 1
                    on_frame(self.at.taken)
                last = batch[-1]
                batch = list(islice(frames, self.batch_size))
            record.flush()
            os.fsync(record.fileno())
            self.at.record_bytes = record.tell()
        self.at.next_frame, self.at.time_s = last.number + 1, last.time_s
        self.at.parts += 1
        self.at.tracker = self.tracker.state()
        self.at.write(self.out)

    def _finish(self) -> None:
        index = TrackIndex(self.out / FRAMES)
        if self.annotated:
            parts = part_paths(self.out / _PARTS, self.at.parts)
            join_parts(parts, self.out / ANNOTATED)
        name = self.reader.source.name
        stem = Path(name).stem.replace(" ", "-") or "video"
        video = VideoInfo(stem, self.at.size[1], self.at.size[0], list(index.frames), list(index.times_s))
        info = {
            "description": "Objects found and followed without labels by Slotlight",
            "video": name,
            "model": self.discoverer.name,
        }
        write_text(self.out / TRACKS_JSON, coco_video_json(info, video, index.tracks))
        write_text(self.out / TRACKS_CSV, _csv(index))
        if not self.reader.source.is_live:
            self.at.note, self.at.is_damaged = self.reader.note, self.reader.is_damaged
        self.at.finished = True
        self.at.write(self.out)
        for path in list(stale_parts(self.out / _PARTS, 0)):
            path.unlink()


class _Drawing:
    """Draws and encodes frames in a thread beside the model, in order, a few at most waiting."""

    def __init__(self, writer: PartWriter | None, pool: ThreadPoolExecutor) -> None:
        self._writer, self._pool = writer, pool
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> "_Drawing":
        if self._writer:
            self._writer.__enter__()
        return self

    def add(self, found: FrameObjects, numbers: list[int]) -> None:
        if self._writer:
            self._waiting.append(self._pool.submit(_draw, self._writer, found, numbers))
        while len(self._waiting) > _DRAWING:
            self._waiting.popleft().result()

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        try:
            while self._waiting:
                future = self._waiting.popleft()
                if kind is None:
                    future.result()
                else:
                    future.cancel() or future.exception()
        finally:
            if self._writer:
                self._writer.__exit__(kind, fault, trace)


def _draw(writer: PartWriter, found: FrameObjects, numbers: list[int]) -> None:
    import numpy as np

    objects, kept = found.objects, [place for place, number in enumerate(numbers) if number]
    picture = overlay(
        found.frame.image,
        objects.masks[kept],
        objects.boxes_xyxy[kept],
        objects.scores[kept],
        texts=[str(numbers[place]) for place in kept],
        colours=[colour_of(numbers[place]) for place in kept],
    )
    writer.add(np.asarray(picture), found.frame.time_s)


def _line(found: FrameObjects, annotations: list[dict[str, object]], numbers: list[int]) -> FrameLine:
    kept = [place for place, number in enumerate(numbers) if number]
    slim = [
        {key: annotations[place][key] for key in ("segmentation", "bbox", "area", "score")} for place in kept
    ]
    return FrameLine(
        found.frame.number, round(found.frame.time_s, 6), [numbers[place] for place in kept], slim
    )


def _csv(index: TrackIndex) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for line in index.lines():
        for track, annotation in zip(line.tracks, line.annotations, strict=True):
            box = (f"{side:g}" for side in annotation["bbox"])
            yield csv_line((line.frame, line.time_s, track, *box, annotation["area"], annotation["score"]))


def _until(frames: Iterator[Frame], stop: Callable[[], bool]) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        if stop():
            return
