"""Drawn frames → an MP4, in pieces that are complete one by one, so that a kill costs no more than the last.

Pieces are NUT files, which keep times as they are, without frames that refer to later ones; the whole is put together
from them without encoding anything again.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from slotlight.errors import OutputError
from slotlight.files import whole_file
from slotlight.images import RGBImage

if TYPE_CHECKING:
    from av.video.stream import VideoStream

ENCODERS = ("libx264", "mpeg4")
"""The first that FFmpeg has is used; PyAV's own packages have both."""

_CLOCK = 90_000  # ticks a second, as video has them
_QUALITY: dict[str, dict[str, object]] = {
    "libx264": {"preset": "veryfast", "crf": "23"},
    "mpeg4": {"qscale": "4"},
}


class PartWriter:
    """Encodes one piece.

    Args:
        path: Where to; the file is there once the ``with`` has ended without a fault.
        size: Height and width of the frames; an odd side gains a row or column, which H.264 needs.
        rate: Frames a second, on average.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        self._whole = whole_file(path, durable=False)
        self._size, self._rate = size, rate

    def __enter__(self) -> "PartWriter":
        import av

        self._container = av.open(str(self._whole.__enter__()), "w", format="nut")
        encoder = _encoder()
        height, width = (side + side % 2 for side in self._size)
        rate = Fraction(self._rate).limit_denominator(1001)
        stream = self._container.add_stream(encoder, rate=max(rate, Fraction(1, 1001)))
        self._stream = cast("VideoStream", stream)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.options = dict(_QUALITY[encoder])
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)
        self._stream.codec_context.max_b_frames = 0
        self._stream.codec_context.flags |= av.codec.context.Flags.global_header
        return self

    def add(self, picture: RGBImage, time_s: float) -> None:
        """Add a frame, later than the one before."""
        import av

        odd = [(0, side % 2) for side in picture.shape[:2]]
        frame = av.VideoFrame.from_ndarray(np.pad(picture, (*odd, (0, 0)), mode="edge"), format="rgb24")
        frame.pts, frame.time_base = round(time_s * _CLOCK), Fraction(1, _CLOCK)
        self._container.mux(self._stream.encode(frame))

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
        self._whole.__exit__(kind, fault, trace)  # type: ignore[arg-type]


def join_parts(parts: list[Path], out: Path) -> None:
    """Put pieces together as one MP4, whole or not at all."""
    import av

    with (
        whole_file(out) as partial,
        av.open(str(partial), "w", format="mp4", options={"movflags": "faststart"}) as mp4,
    ):
        stream = None
        for part in parts:
            with av.open(str(part)) as piece:
                source = piece.streams.video[0]
                stream = stream or mp4.add_stream_from_template(source)
                for packet in piece.demux(source):
                    if packet.pts is not None:
                        packet.dts = packet.pts  # no frame refers to a later one, and NUT may leave it out
                        packet.stream = stream
                        mp4.mux(packet)


def part_paths(folder: Path, count: int) -> list[Path]:
    """Where the first so many pieces lie."""
    return [folder / f"{number:06d}.nut" for number in range(count)]


def stale_parts(folder: Path, count: int) -> Iterator[Path]:
    """Pieces beyond the first so many, and those that a kill left half written."""
    kept = set(part_paths(folder, count))
    return (path for path in folder.glob("*") if path not in kept) if folder.is_dir() else iter(())


def _encoder() -> str:
    import av

    found = next((name for name in ENCODERS if name in av.codecs_available), None)
    if found is None:
        raise OutputError(
            f"This FFmpeg has none of the encoders {', '.join(ENCODERS)}; reinstall PyAV, or pass --no-annotated."
        )
    return found
