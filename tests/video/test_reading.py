"""Videos as phones, editors and broken disks leave them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from clips import squares, write_clip
from slotlight.errors import VideoError
from slotlight.video.reading import FrameReader, VideoSource


def reader(path: Path, every: int = 1) -> FrameReader:
    return FrameReader(VideoSource.file(path), every)


def test_frames_in_order_with_their_times(tmp_path):
    images = list(squares(20))
    clip = reader(write_clip(tmp_path / "clip.mp4", iter(images)))
    frames = list(clip.frames())
    assert (clip.expected, clip.rate, clip.note, clip.is_damaged) == (20, 25, "", False)
    assert [frame.number for frame in frames] == list(range(20))
    assert np.allclose([frame.time_s for frame in frames], np.arange(20) / 25)
    for frame, image in zip(frames, images, strict=True):
        assert np.abs(frame.image.astype(int) - image).mean() < 4


def test_some_frames_from_some_frame_on(tmp_path):
    clip = reader(write_clip(tmp_path / "clip.mkv", squares(20)), every=3)
    assert clip.expected == 7
    assert [frame.number for frame in clip.frames(4)] == [6, 9, 12, 15, 18]


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_turned_video_is_seen_upright(tmp_path, rotation):
    (image,) = squares(1)
    lying = np.ascontiguousarray(np.rot90(image, -rotation // 90))
    frames = list(reader(write_clip(tmp_path / "clip.mp4", iter([lying] * 3), rotation=rotation)).frames())
    assert frames[0].image.shape == image.shape
    assert np.abs(frames[0].image.astype(int) - image).mean() < 6


def test_a_variable_rate_is_said_and_kept(tmp_path):
    times = [0, 0.04, 0.08, 0.2, 0.3, 0.7]
    clip = reader(write_clip(tmp_path / "clip.mp4", squares(6), times_s=times))
    assert np.allclose([frame.time_s for frame in clip.frames()], times, atol=0.002)
    assert "variable rate of 2.5 to 25 frames a second" in clip.note
    assert not clip.is_damaged


def test_a_video_that_was_cut_off(tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", squares(60), gop=6).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    clip = reader(tmp_path / "cut.mkv")
    count = len(list(clip.frames()))
    assert 5 < count < 55
    assert clip.is_damaged
    assert f"damaged or cut off: {count} frames" in clip.note


def test_a_video_with_damage_inside(tmp_path):
    content = bytearray(write_clip(tmp_path / "whole.mp4", squares(60), gop=6).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = np.random.default_rng(0).bytes(600)
    (tmp_path / "bad.mp4").write_bytes(content)
    clip = reader(tmp_path / "bad.mp4")
    assert len(list(clip.frames())) > 20  # FFmpeg conceals some damage without a word


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        (b"", r"is empty \(0 bytes\)"),
        (b"not a video at all, but text" * 40, "is not a video, or is damaged"),
    ],
)
def test_what_is_not_a_video_is_one_sentence(tmp_path, content, says):
    if content is not None:
        (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(VideoError, match=says) as fault:
        reader(tmp_path / "clip.mp4")
    assert "\n" not in str(fault.value)


def test_a_truncated_mp4_and_a_folder(tmp_path):
    whole = write_clip(tmp_path / "whole.mp4", squares(20)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index stood at the end
    with pytest.raises(VideoError, match="is not a video, or is damaged"):
        reader(tmp_path / "cut.mp4")
    with pytest.raises(VideoError, match="not a regular file"):
        reader(tmp_path)


def test_sound_alone_is_no_video(tmp_path):
    import av

    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44_100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="has no video stream"):
        reader(tmp_path / "sound.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="asks for a camera of Linux")
def test_an_absent_camera_is_one_sentence():
    with pytest.raises(VideoError, match="There is no camera 98, or it is in use") as fault:
        FrameReader(VideoSource.camera(98))
    assert "\n" not in str(fault.value)


def test_a_device():
    """FFmpeg's test pattern is read through the same calls as a camera."""
    device = FrameReader(VideoSource("testsrc=size=64x48:rate=10", "test pattern", "lavfi"))
    assert (device.expected, device.source.is_live) == (0, True)
    frames = device.frames()
    first, second = next(frames), next(frames)
    assert first.image.shape == (48, 64, 3)
    assert (second.number, round(second.time_s, 3)) == (1, 0.1)
