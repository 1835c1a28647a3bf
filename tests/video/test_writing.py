import numpy as np

from clips import read_clip, squares, write_clip
from tracked_clips import track


def test_a_few_frames_of_odd_size(tmp_path):
    from fractions import Fraction

    import av

    with av.open(str(tmp_path / "odd.avi"), "w") as container:  # H.264 has no odd sizes, others do
        stream = container.add_stream("mjpeg", rate=Fraction(30000, 1001))
        stream.height, stream.width, stream.pix_fmt = 47, 63, "yuvj444p"
        for image in squares(9, (47, 63)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    assert track(tmp_path / "odd.avi", tmp_path / "out", max_frames=5).frames == 5
    frames = read_clip(tmp_path / "out/annotated.mp4")
    assert (len(frames), frames[0][1].shape) == (5, (48, 64, 3))


def test_a_variable_rate_is_kept_in_the_annotated_video(tmp_path):
    times = [0, 0.04, 0.08, 0.2, 0.3, 0.7]
    tracked = track(write_clip(tmp_path / "clip.mp4", squares(6), times_s=times), tmp_path / "out")
    assert "variable rate" in tracked.note
    assert np.allclose([time for time, _ in read_clip(tmp_path / "out/annotated.mp4")], times, atol=0.002)
