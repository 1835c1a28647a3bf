import numpy as np
import pytest

from clips import colour_discoverer, read_clip
from slotlight.video import run
from slotlight.video.reading import FrameReader, VideoSource
from slotlight.video.run import track_video
from tracked_clips import track


def test_a_killed_run_goes_on_to_the_same_files(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PIECE", 8)
    track(clip, tmp_path / "whole")
    for stop_at in (3, 13, 22, 30):

        def stop(done: int, stop_at: int = stop_at) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            track(clip, tmp_path / "out", on_frame=stop)
        assert not (tmp_path / "out/tracks.json").exists()
    begun: list[int] = []
    track(clip, tmp_path / "out", on_frame=begun.append)
    assert begun[0] == 24  # three whole pieces of eight were done
    for name in ("tracks.csv", "tracks.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    ours, theirs = (read_clip(tmp_path / d / "annotated.mp4") for d in ("out", "whole"))
    assert len(ours) == 30
    assert all(np.array_equal(a[1], b[1]) and a[0] == b[0] for a, b in zip(ours, theirs, strict=True))
    assert not list((tmp_path / "out/.parts").iterdir())


def test_a_killed_recording_goes_on_with_new_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PIECE", 4)

    def stop(done: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    device = VideoSource("testsrc=size=64x48:rate=10", "camera 0", "lavfi")
    with pytest.raises(KeyboardInterrupt):
        track_video(colour_discoverer(), FrameReader(device), tmp_path / "out", on_frame=stop)
    tracked = track_video(
        colour_discoverer(),
        FrameReader(device),
        tmp_path / "out",
        max_frames=None,
        stop=iter([False, False, True]).__next__,
    )
    assert tracked.frames == 7  # four of a whole piece, and three more
    assert np.allclose(
        [t for t, _ in read_clip(tmp_path / "out/annotated.mp4")], np.arange(7) / 10, atol=1e-3
    )
