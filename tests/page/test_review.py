"""The page of `slotlight review`: its answers, and a person at a real keyboard in a real browser."""

import io
import json
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.cli.discover import discover
from slotlight.page.review import ReviewPage
from slotlight.review.folder import ReviewFolder


@pytest.fixture
def found(tmp_path: Path, photo_paths) -> Path:
    """Real objects: one whole-centre box in each of two photographs."""
    discover(tuple(map(str, photo_paths[:2])), out=tmp_path / "found", model="centre-box")
    return tmp_path / "found"


def test_answers(found):
    page = ReviewPage(ReviewFolder(found))
    view = page.press("")
    assert (view["name"], view["place"], view["at"]) == ("astronaut.jpg", "1 of 2, 1 looked at", 0)
    assert (view["note"], view["is_saved"]) == ("", True)
    before = picture_of(view)
    assert before.size == (512, 512)
    view = page.press("d")
    assert not view["is_saved"]
    assert "dropped" in view["pieces"]
    assert np.abs(np.asarray(picture_of(view)).astype(int) - before).max() > 50
    assert page.press("ArrowRight")["name"] == "chelsea.jpg"
    assert page.press("ArrowRight")["note"] == "This is the last photograph."
    assert page.go_to(-5)["at"] == 0
    assert (
        page.select(99)["note"] == page.point([256.0, 256.0])["note"] == page.point([-3.0, 1e9])["note"] == ""
    )
    view = page.press("s")
    assert view["note"] == f"Saved to {found / 'reviewed.json'}."
    assert view["is_saved"]
    assert len(json.loads((found / "reviewed.json").read_text())["annotations"]) == 1


def test_a_fault_is_a_note_on_the_page(found):
    page = ReviewPage(ReviewFolder(found))
    (found / ".partial.reviewed.json").mkdir()
    view = page.press("s")
    assert view["is_fault"]
    assert "cannot be written" in view["note"]


def test_a_photograph_that_is_gone_is_said(found, photo_paths):
    content = (found / "objects.json").read_text()
    (found / "objects.json").write_text(content.replace("astronaut.jpg", "gone.jpg"))
    view = ReviewPage(ReviewFolder(found)).press("")
    assert view["is_fault"]
    assert view["note"] == f"{photo_paths[0].parent / 'gone.jpg'} cannot be read: No such file or directory."
    assert view["pieces"].count("data-piece") == 1


def picture_of(view):
    return Image.open(io.BytesIO(b64decode(view["picture"].split(",")[1])))


@pytest.mark.slow
def test_a_person_keeps_drops_and_merges(start, page, photo_paths, tmp_path):
    found = tmp_path / "found"
    discover(tuple(map(str, photo_paths)), out=found)
    before = (found / "objects.json").read_bytes()
    server = start("review", found, "--port", "7895")
    page.goto(server.url)
    name = page.locator("[data-part=name]")
    page.wait_for_function("document.querySelector('[data-part=name]')?.textContent == 'astronaut.jpg'")
    for key in ("ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_function("document.querySelector('[data-part=name]')?.textContent == 'coffee.jpg'")
    count = page.locator("[data-piece]").count()
    assert count >= 3
    for key in ("d", "ArrowDown", "m", "ArrowDown", "m"):  # as fast as the browser sends them
        page.keyboard.press(key)
    page.wait_for_function(f"document.querySelectorAll('[data-piece]').length == {count - 1}")
    assert "merged from 2" in page.locator("[data-piece]").nth(1).inner_text()
    page.wait_for_timeout(500)
    assert_merged_is_drawn(page, found)

    page.keyboard.press("u")
    page.wait_for_function(f"document.querySelectorAll('[data-piece]').length == {count}")
    page.locator("[data-piece]").nth(1).click()
    page.locator("[data-key=m]").click()
    page.locator("[data-piece]").nth(2).click()
    page.locator("[data-key=m]").click()
    page.wait_for_function(f"document.querySelectorAll('[data-piece]').length == {count - 1}")
    page.keyboard.press("s")
    page.wait_for_function("document.querySelector('[data-part=note]').textContent.startsWith('Saved to')")
    kept = json.loads((found / "reviewed.json").read_text())
    was = json.loads(before)
    assert (found / "objects.json").read_bytes() == before
    assert len(kept["annotations"]) == len(was["annotations"]) - 2

    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelector('[data-part=name]')?.textContent == 'chelsea.jpg'")
    server.process.kill()
    server.process.wait()
    page.keyboard.press("d")
    page.wait_for_function(
        "document.querySelector('[data-part=note]').textContent.includes('server has gone')"
    )
    again = start("review", found, "--port", "7896")
    page.goto(again.url)
    page.wait_for_function("document.querySelector('[data-part=name]')?.textContent == 'chelsea.jpg'")
    assert name.inner_text() == "chelsea.jpg"
    assert page.elsewhere == []
    assert page.faults == []
    assert again.stop() == 0
    assert list(again.temporary.iterdir()) == []


def assert_merged_is_drawn(page, found):
    """Both parts of the merged object have the tint of its number; the dropped object has none."""
    shown = page.locator("[data-part=picture]")
    picture = np.asarray(Image.open(io.BytesIO(shown.screenshot())).convert("RGB")).astype(float)
    size = picture.shape[1::-1]
    labels = np.asarray(Image.open(found / "masks/coffee.png").resize(size, Image.Resampling.NEAREST))
    image = json.loads((found / "objects.json").read_text())["images"][2]["file_name"]
    photograph = np.asarray(Image.open(image).convert("RGB").resize(size)).astype(float)
    colour = (
        page.locator("[data-piece] .badge").nth(1).evaluate("one => getComputedStyle(one).backgroundColor")
    )
    tint = np.array([float(value) for value in colour[4:-1].split(",")])
    for number in (2, 3):
        inside = labels == number
        assert np.median(np.abs(picture[inside] - (0.6 * photograph[inside] + 0.4 * tint))) < 8
    assert np.median(np.abs(picture[labels == 1] - photograph[labels == 1])) < 4
