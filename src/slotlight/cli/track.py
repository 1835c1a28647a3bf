"""``slotlight track``: a video or camera → objects that keep their number."""

import sys
import time
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import EMBEDDED, ObjectRule, RunConfig, TrackRule
from slotlight.errors import ConfigError, VideoError, printable

SOME_LOST = 1


def track(
    video: Positional[Path | None] = None,
    *,
    out: Path,
    camera: int | None = None,
    every: int = 1,
    max_frames: int | None = None,
    model: str = EMBEDDED,
    weights: Path | None = None,
    run: OmitArgPrefixes[RunConfig] = RunConfig(),  # noqa: B008
    rule: OmitArgPrefixes[ObjectRule] = ObjectRule(),  # noqa: B008
    follow: OmitArgPrefixes[TrackRule] = TrackRule(),  # noqa: B008
    annotated: bool = True,
    start_over: bool = False,
) -> int:
    """Find the objects in a video and follow them, so that each keeps its number.

    Writes OUT/annotated.mp4, OUT/tracks.json (COCO-video, as YouTube-VIS has it) and OUT/tracks.csv. The same command,
    run again, resumes where it stopped. A camera is recorded until Ctrl-C. Exit status: 0 all done, 1 some
    of the video could not be read (the rest is done), 2 incorrect usage.

    Args:
        video: A video file.
        out: The folder to write to: a new or empty one, or that of an earlier run.
        camera: The number of a camera instead of a file; 0 is the first.
        every: Read only every n-th frame.
        max_frames: Read at most this many frames.
        model: embedded, a folder that `slotlight train` wrote, or a baseline (see `slotlight models`).
        weights: A local file with the backbone's weights.
        run: How the model is run.
        rule: What counts as an object.
        follow: How objects are matched between frames.
        annotated: Draw the objects into a video.
        start_over: Delete the results of an earlier run in OUT first.
    """
    from slotlight.loading import load
    from slotlight.progress import ProgressReport
    from slotlight.training.interruption import Interruption
    from slotlight.video.reading import FrameReader, VideoSource
    from slotlight.video.run import track_video

    if (video is None) == (camera is None):
        raise VideoError("Name one video file, or a camera by its number with --camera.")
    for name, value in (("every", every), ("max_frames", max_frames), ("camera", camera)):
        least = 0 if name == "camera" else 1
        if value is not None and value < least:
            raise ConfigError(f"{name} is {value}; it must be at least {least}.")
    source = VideoSource.file(video) if video is not None else VideoSource.camera(camera or 0)
    reader = FrameReader(source, every)
    discoverer = load(model, weights=weights, device=run.device, precision=run.precision, rule=rule)
    expected = min(reader.expected, max_frames or reader.expected) if reader.expected else max_frames
    with ProgressReport("following objects", expected) as progress, Interruption(hold=source.is_live) as held:
        pace = _Pace()
        tracked = track_video(
            discoverer,
            reader,
            out,
            follow,
            max_frames=max_frames,
            seed=run.seed,
            batch_size=run.batch_size,
            annotated=annotated,
            start_over=start_over,
            on_frame=lambda done: progress.update(done, pace.note(done)),
            stop=lambda: held.pending,
        )
        held.forget()  # whoever ends a recording wants what was recorded
    _print_summary(tracked.frames, tracked.tracks, pace, out)
    if tracked.note:
        print(printable(tracked.note), file=sys.stderr)
    return SOME_LOST if tracked.is_damaged else 0


class _Pace:
    """Frames a second, from the second report on: the first tells how many were done before."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self.rate = 0.0

    def note(self, done: int) -> str:
        now = time.monotonic()
        if self._first is None:
            self._first = done, now
            return ""
        self.rate = (done - self._first[0]) / max(now - self._first[1], 1e-6)
        return f"{self.rate:.1f} frames/s"


def _print_summary(frames: int, tracks: int, pace: _Pace, out: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    speed = f", {pace.rate:.1f} frames a second" if pace.rate else ""
    text = f"{frames:,} frames{speed}, {tracks:,} objects told apart: see {out}"
    Console().print(Text(text), soft_wrap=True)
