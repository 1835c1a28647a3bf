"""Videos on the page of `slotlight demo`."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from clips import colour_discoverer, read_clip, squares, write_clip
from slotlight.errors import VideoError
from slotlight.page import following
from slotlight.page.following import follow


def test_a_video_is_followed_and_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "MOST_FRAMES", 6)
    clip, folder = tmp_path / "two squares.mp4", tmp_path / "page"
    write_clip(clip, squares(12))
    (old := folder / "video-old").mkdir(parents=True)
    os.utime(old, (0, 0))
    told: list[tuple[int, int]] = []
    found = follow(
        colour_discoverer(),
        clip,
        folder,
        min_score=0.1,
        every=1,
        kept_s=3600,
        on_frame=lambda *now: told.append(now),
    )
    assert not old.exists()
    assert len(read_clip(found.annotated)) == 6
    assert told[-1] == (6, 6)
    assert "6 frames. Only the first 6 were looked at." in found.text
    with zipfile.ZipFile(found.zipped) as zipped:
        tracks = json.loads(zipped.read("tracks.json"))
        assert set(zipped.namelist()) == {"annotated.mp4", "tracks.json", "tracks.csv"}
    assert str(tmp_path) not in json.dumps(tracks)
    assert len(tracks["annotations"]) == int(found.text.split()[0]) >= 1


def test_what_is_not_a_video_is_one_sentence(tmp_path):
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(VideoError, match=r"^notes\.txt is not a video"):
        follow(colour_discoverer(), tmp_path / "notes.txt", tmp_path, min_score=0, every=1, kept_s=1)


@pytest.mark.slow
def test_a_person_drops_a_video(start, page, tmp_path):
    pytest.importorskip("av")
    write_clip(clip := tmp_path / "squares.mp4", squares(12, size=(96, 128)))
    server = start("demo", "--port", "7895", "--model", "kmeans-colour")
    page.goto(server.url)
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#video-file input[type=file]", [clip])
    page.wait_for_function("!document.querySelector('#video-start').disabled")
    page.click("#video-start")
    page.wait_for_selector("#video-shown video")
    page.wait_for_function("document.querySelector('#video-shown video').videoWidth == 128")
    assert "through 12 frames" in page.locator("#video-text").inner_text()
    with page.expect_download() as downloaded:
        page.click("#video-save")
    with zipfile.ZipFile(Path(downloaded.value.path())) as zipped:
        assert zipped.testzip() is None
    (tmp_path / "empty.mp4").write_bytes(b"")
    page.locator("#video-file button[aria-label='Clear']").click()
    page.set_input_files("#video-file input[type=file]", [tmp_path / "empty.mp4"])
    page.wait_for_function("!document.querySelector('#video-start').disabled")
    page.click("#video-start")
    page.wait_for_selector("#video-said p")
    assert page.locator("#video-said p").inner_text().startswith("The video empty.mp4 is empty (0 bytes)")
    assert page.elsewhere == []
    assert page.faults == []
