"""The record of a video: a sealed line a frame; from it, tracks in the order of their numbers.

A run that was killed goes on from its last checkpoint, a small file with everything that decides what comes next; lines
after it are cut off.
"""

from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slotlight.files import sealed, unsealed, write_text
from slotlight.formats.coco_video import Sighting

FRAMES, CHECKPOINT = ".frames.jsonl", ".checkpoint.json"


@dataclass(frozen=True)
class FrameLine:
    """One frame and its numbered objects.

    Attributes:
        frame: Its number in the video.
        time_s: When it is shown.
        tracks: The number of each object.
        annotations: Each object in COCO's form.
    """

    frame: int
    time_s: float
    tracks: list[int]
    annotations: list[dict[str, Any]]

    def encoded(self) -> bytes:
        """A line of text, in ASCII."""
        return sealed(asdict(self)).encode() + b"\n"


@dataclass
class Checkpoint:
    """How far a run is.

    Attributes:
        next_frame: The number in the video of the first frame that was not looked at.
        time_s: When the last one was shown.
        taken: Frames that were looked at.
        record_bytes: Length of the record.
        parts: Pieces of the annotated video that are complete.
        tracker: Its state.
        size: Height and width of the frames.
        finished: Whether the video has ended and everything is written.
        is_damaged: Whether some of the video could not be read.
        note: What was unusual about it.
    """

    next_frame: int = 0
    time_s: float = 0.0
    taken: int = 0
    record_bytes: int = 0
    parts: int = 0
    tracker: dict[str, Any] = field(default_factory=lambda: {"frames": 0, "born": 0, "tracks": []})
    size: list[int] = field(default_factory=lambda: [0, 0])
    finished: bool = False
    is_damaged: bool = False
    note: str = ""

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_text(folder / CHECKPOINT, [sealed(asdict(self))])

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """The last one of a folder; that of a fresh run where there is none, or what it speaks of is gone."""
        path, record = folder / CHECKPOINT, folder / FRAMES
        found = unsealed(path.read_bytes()) if path.is_file() else None
        if found is None or not record.is_file() or record.stat().st_size < found["record_bytes"]:
            return cls()
        return cls(**found)


class TrackIndex:
    """Where in a record each frame and each track is; a few bytes for each.

    Attributes:
        frames: The number in the video of each frame.
        times_s: When each is shown.
        places: Of each track by number, in which frames it is seen.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.frames, self.times_s, self._offsets = array("q"), array("d"), array("q")
        self.places: dict[int, array[int]] = {}
        with path.open("rb") as lines:
            start = 0
            for text in lines:
                line = _decoded(text)
                for track in line.tracks:
                    self.places.setdefault(track, array("q")).append(len(self.frames))
                self.frames.append(line.frame)
                self.times_s.append(line.time_s)
                self._offsets.append(start)
                start += len(text)

    def lines(self) -> Iterator[FrameLine]:
        """Every frame, in order."""
        with self._path.open("rb") as lines:
            yield from map(_decoded, lines)

    def tracks(self) -> Iterator[tuple[int, Iterator[Sighting]]]:
        """Every track by number, and where it is seen."""
        for track in sorted(self.places):
            yield track, self._sightings(track)

    def _sightings(self, track: int) -> Iterator[Sighting]:
        with self._path.open("rb") as lines:
            for place in self.places[track]:
                lines.seek(self._offsets[place])
                line = _decoded(lines.readline())
                yield Sighting(place, line.annotations[line.tracks.index(track)])


def _decoded(text: bytes) -> FrameLine:
    record = unsealed(text)
    if record is None:
        raise OSError(0, f"the record {FRAMES} is damaged")
    return FrameLine(**record)
