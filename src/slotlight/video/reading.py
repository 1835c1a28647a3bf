"""A video file or a camera → frames in order, with their times; every fault is a `VideoError` that names it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slotlight.errors import VideoError
from slotlight.files import stamp
from slotlight.images import RGBImage

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}:none")}
_UNEVEN = 1.25
"""A video whose longest frame is this many times as long as its shortest has a variable rate; containers round less."""

_TICK_S = 1e-3  # between two frames that claim the same time


@dataclass(frozen=True)
class VideoSource:
    """Where frames come from.

    Attributes:
        address: A file, or a device of ``format``.
        name: What people call it.
        format: FFmpeg's name of a kind of device; None for a file, whose format is found out.
    """

    address: str
    name: str
    format: str | None = None

    @classmethod
    def file(cls, path: Path) -> "VideoSource":
        """A video file.

        Raises:
            VideoError: It is missing, empty or not a regular file.
        """
        if not path.is_file():
            wrong = "is not a regular file; save the video to one" if path.exists() else "does not exist"
            raise VideoError(f"The video {path} {wrong}.")
        if path.stat().st_size == 0:
            raise VideoError(f"The video {path} is empty (0 bytes); copy it again from its source.")
        return cls(str(path), str(path))

    @classmethod
    def camera(cls, number: int) -> "VideoSource":
        """A camera of this machine.

        Raises:
            VideoError: Cameras of this system cannot be read.
        """
        if sys.platform not in _CAMERAS:
            raise VideoError("Cameras work only on Linux and macOS; record a video and name its file.")
        kind, address = _CAMERAS[sys.platform]
        return cls(address.format(number), f"camera {number}", kind)

    @property
    def is_live(self) -> bool:
        """Whether its frames cannot be read again."""
        return self.format is not None

    @property
    def identity(self) -> list[Any]:
        """What changes when the video does."""
        return [self.name] if self.is_live else [self.name, *stamp(Path(self.address))[1:]]


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        number: From 0, in the order in which they are shown.
        time_s: When it is shown, from the video's beginning.
        image: Upright RGB; all frames of a video have the first one's size.
    """

    number: int
    time_s: float
    image: RGBImage


class FrameReader:
    """Reads a video from its beginning, in constant memory.

    Args:
        source: The video.
        every: Take the first of so many frames, and leave out the others.

    Attributes:
        rate: Frames a second that are taken, on average, as far as the file says.
        expected: About how many frames will be taken; 0 where nothing says so.
        note: After the last frame: what was unusual about the video, in a sentence; empty if nothing was.
        is_damaged: Whether some of it could not be read.

    Raises:
        VideoError: It cannot be opened, or holds no video.
    """

    def __init__(self, source: VideoSource, every: int = 1) -> None:
        self.source, self.every = source, every
        self.note, self.is_damaged = "", False
        self._lost = 0
        with self._opened() as (container, stream):
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.rate = float(rate) / every
            count = float(stream.frames) or float((container.duration or 0) * rate / 1_000_000)
        self.expected = 0 if source.is_live else int(np.ceil(round(count) / every))

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """The frames that are taken, those before the ``start``-th (of all that are shown) left out.

        Raises:
            VideoError: The video cannot be opened, or not a single frame of it can be read.
        """
        number, last, size = 0, -1.0, None
        intervals: tuple[float, float] = (np.inf, 0.0)
        first_time: float | None = None
        for decoded in self._decode():
            # Times are those of the file; where it has none, or they run backwards, the frame follows the last one.
            given = None if decoded.time is None else float(decoded.time)
            first_time = given if first_time is None else first_time
            time = last + 1 / (self.rate * self.every) if given is None else given - (first_time or 0.0)
            if number:
                time = max(time, last + _TICK_S)
                intervals = min(intervals[0], time - last), max(intervals[1], time - last)
            time = max(time, 0.0)
            last, size = time, size or (decoded.width, decoded.height)
            if number >= start and number % self.every == 0:
                yield Frame(number, time, _upright(decoded, size))
            number += 1
        if not number:
            raise VideoError(
                f"{self.source.name} holds no frame that can be read; copy it again from its source."
            )
        self._sum_up(number, intervals)

    def _sum_up(self, number: int, intervals: tuple[float, float]) -> None:
        name, notes = self.source.name, []
        missing = self.expected - -(-number // self.every)
        if self._lost or missing > max(1, 0.02 * self.expected):
            self.is_damaged = True
            notes.append(
                f"{name} is damaged or cut off: {number:,} frames of it could be read, and were used."
            )
        if intervals[1] > _UNEVEN * intervals[0]:
            slowest, fastest = 1 / intervals[1], 1 / intervals[0]
            notes.append(
                f"{name} has a variable rate of {slowest:.3g} to {fastest:.3g} frames a second; all times are those of "
                "its own frames."
            )
        self.note = " ".join(notes)

    def _decode(self) -> Iterator["VideoFrame"]:
        """All frames in the order in which they are shown; damaged pieces are counted and left out."""
        from av.error import FFmpegError

        with self._opened() as (container, stream):
            stream.thread_type = "AUTO"
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets, None)
                except FFmpegError as fault:
                    if self.source.is_live:
                        raise VideoError(f"{self.source.name} stopped: {fault.strerror}.") from None
                    self._lost += 1
                    return
                if packet is None:
                    return
                try:
                    frames = packet.decode()
                except EOFError:
                    return
                except FFmpegError:
                    self._lost += 1
                    continue
                yield from frames

    @contextmanager
    def _opened(self) -> Iterator[tuple["InputContainer", "VideoStream"]]:
        import av
        from av.error import FFmpegError

        name = self.source.name
        try:
            container = av.open(self.source.address, format=self.source.format, metadata_errors="replace")
        except FFmpegError as fault:
            if self.source.is_live:
                raise VideoError(
                    f"There is no {name}, or it is in use ({fault.strerror}); connect it, or choose another --camera."
                ) from None
            raise VideoError(
                f"{name} is not a video, or is damaged ({fault.strerror}); copy it again from its source."
            ) from None
        with container:
            if not container.streams.video:
                raise VideoError(f"{name} has no video stream; name a file that has one.")
            yield container, container.streams.video[0]


def _upright(frame: "VideoFrame", size: tuple[int, int]) -> RGBImage:
    """A frame's pixels as they should be seen, at the size of the video's first frame."""
    image = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    quarters = round(frame.rotation / 90) % 4  # counter-clockwise, as phones note it
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
