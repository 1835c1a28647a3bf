"""Clips that are tracked by colour."""

from pathlib import Path

from clips import colour_discoverer
from slotlight.video.reading import FrameReader, VideoSource
from slotlight.video.run import Tracked, track_video


def track(path: Path, out: Path, **how: object) -> Tracked:
    reader = FrameReader(VideoSource.file(path), how.pop("every", 1))
    return track_video(colour_discoverer(), reader, out, batch_size=4, **how)
