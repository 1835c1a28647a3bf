"""A video → a folder: numbers, files that other tools read, kills, cameras."""

import csv
import json
import shutil

import numpy as np
import pytest
from pycocotools import mask as pycoco

from clips import colour_discoverer, read_clip, squares, write_clip
from slotlight.errors import OutputError, VideoError
from slotlight.video.reading import FrameReader, VideoSource
from slotlight.video.run import Tracked, track_video
from tracked_clips import track


def test_files_that_tell_the_truth(clip, tmp_path):
    assert track(clip, tmp_path / "out") == Tracked(30, 2)
    with (tmp_path / "out/tracks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30 + 26
    red = {int(row["frame"]): row for row in rows if float(row["top"]) < 20}
    assert sorted(red) == [n for n in range(30) if n not in range(10, 14)]
    assert len({row["track"] for row in red.values()}) == 1  # it keeps its number while it is hidden
    for frame, row in red.items():
        assert np.allclose(
            [float(row[side]) for side in ("left", "top", "width", "height")], (4 + frame, 6, 12, 12), atol=2
        )
        assert abs(float(row["time_s"]) - frame / 25) < 1e-3

    file = json.loads((tmp_path / "out/tracks.json").read_text())
    (video,) = file["videos"]
    assert (video["width"], video["height"], video["length"]) == (64, 48, 30)
    assert video["file_names"][3] == "my-clip/000003.jpg"
    assert len(file["annotations"]) == 2
    for annotation in file["annotations"]:
        assert len(annotation["segmentations"]) == len(annotation["bboxes"]) == len(annotation["areas"]) == 30
        for code, box, area in zip(
            *(annotation[k] for k in ("segmentations", "bboxes", "areas")), strict=True
        ):
            assert (code is None) == (box is None) == (area is None)
            if code:
                assert int(pycoco.area(code)) == area
                assert pycoco.toBbox(code).tolist() == box
    hidden = next(a for a in file["annotations"] if None in a["areas"])
    assert [place for place, area in enumerate(hidden["areas"]) if area is None] == [10, 11, 12, 13]

    frames = read_clip(tmp_path / "out/annotated.mp4")
    assert np.allclose([time for time, _ in frames], np.arange(30) / 25, atol=1e-3)
    plain = list(squares(30, hidden=range(10, 14)))
    for (_, drawn), image in zip(frames, plain, strict=True):
        assert drawn.shape == image.shape
        assert 2 < np.abs(drawn.astype(int) - image).mean() < 40  # drawn on, and still the same picture


def test_the_same_command_again_and_another(clip, tmp_path):
    track(clip, tmp_path / "out")
    before = (tmp_path / "out/annotated.mp4").stat().st_mtime_ns
    assert track(clip, tmp_path / "out") == Tracked(30, 2)
    assert (tmp_path / "out/annotated.mp4").stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="every was 1 and is now 2"):
        track(clip, tmp_path / "out", every=2)
    assert track(clip, tmp_path / "out", every=2, annotated=False, start_over=True).frames == 15
    assert not (tmp_path / "out/annotated.mp4").exists()


def test_a_camera_is_recorded_until_it_is_stopped(tmp_path):
    """FFmpeg's test pattern is read through the same calls as a camera."""
    done: list[int] = []
    reader = FrameReader(VideoSource("testsrc=size=64x48:rate=10", "camera 0", "lavfi"))
    tracked = track_video(
        colour_discoverer(), reader, tmp_path / "out", on_frame=done.append, stop=lambda: done[-1] >= 7
    )
    assert tracked.frames == 7
    frames = read_clip(tmp_path / "out/annotated.mp4")
    assert np.allclose([time for time, _ in frames], np.arange(7) / 10, atol=1e-3)


def test_damage_is_told_again(tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", squares(30), gop=6).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    for _ in range(2):
        tracked = track(tmp_path / "cut.mkv", tmp_path / "out")
        assert tracked.is_damaged
        assert "damaged or cut off" in tracked.note
    assert len(read_clip(tmp_path / "out/annotated.mp4")) == tracked.frames


def test_a_folder_that_cannot_be_written_is_one_sentence(clip, tmp_path):
    def stop(done: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track(clip, tmp_path / "out", on_frame=stop)
    shutil.rmtree(tmp_path / "out/.parts")
    (tmp_path / "out/.parts").write_text("a file where the pieces should lie")
    with pytest.raises(OutputError, match="out cannot be written"):
        track(clip, tmp_path / "out")


def test_a_clip_without_a_frame(tmp_path):
    content = write_clip(tmp_path / "clip.mkv", squares(3)).read_bytes()
    start = content.index(b"\x1f\x43\xb6\x75")  # the first cluster of frames
    (tmp_path / "none.mkv").write_bytes(content[:start])
    with pytest.raises(VideoError, match=r"no frame that can be read|not a video"):
        track(tmp_path / "none.mkv", tmp_path / "out")
