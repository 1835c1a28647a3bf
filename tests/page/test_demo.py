"""The page of `slotlight demo`, apart from its layout; and in a real browser, where what is drawn is looked at."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import slotlight
from page_uploads import png_header
from slotlight.config import ObjectRule
from slotlight.page.demo import Demo
from slotlight.page.findings import Look


class Counting:
    """A discoverer's segmenter that counts the photographs which it is given."""

    def __init__(self, segmenter):
        self._segmenter, self.seen = segmenter, 0

    def __getattr__(self, name):
        return getattr(self._segmenter, name)

    def segment(self, images, *args, **options):
        self.seen += len(images)
        return self._segmenter.segment(images, *args, **options)


def test_a_photograph_is_looked_at_once(photo_paths, tmp_path):
    discoverer = slotlight.load("centre-box")
    demo = Demo(discoverer, tmp_path)
    demo.discoverer.segmenter = counting = Counting(demo.discoverer.segmenter)
    look = demo.look(None, Look((), ()))
    assert demo.picture(look, 0, 0.15, 20) == (None, "")
    look = demo.look([str(path) for path in photo_paths[:2]], look)
    look = demo.look([str(path) for path in photo_paths[1:3]], look)
    assert [one.name for one in look.findings] == ["chelsea.jpg", "coffee.jpg"]
    picture, table = demo.picture(look, 1, 0.15, 20)
    assert "coffee.jpg" in table
    assert picture.size == (600, 400)
    for least in (0.0, 0.5, 1.0):
        demo.picture(look, 0, least, 3)
        demo.strip(look, least, 3)
    zipped = Path(demo.zip(look, 0.15, 20))
    assert "objects.json" in zipfile.ZipFile(zipped).namelist()
    assert counting.seen == 3


@pytest.fixture(scope="module")
def server(start):
    return start("demo", "--port", "7893", "--max-mb", "3")


def drawn(page, selector):
    """What the browser shows of an element."""
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")).astype(
        float
    )


@pytest.mark.slow
def test_a_person_drops_photographs(server, page, photo_paths, tmp_path):
    for name, content in (
        ("empty.jpg", b""),
        ("bomb.png", png_header(20_000, 15_000)),
        ("notes.txt", b"no picture"),
    ):
        (tmp_path / name).write_bytes(content)
    page.goto(server.url)
    page.set_input_files(
        "#files input[type=file]",
        [
            photo_paths[3],
            photo_paths[0],
            *(tmp_path / name for name in ("empty.jpg", "bomb.png", "notes.txt")),
        ],
    )
    page.wait_for_selector("#picture img")
    page.wait_for_selector("#table .badge")
    faults = page.locator("#said p").all_inner_texts()
    assert faults[0] == "empty.jpg is empty (0 bytes); copy it again from its source."
    assert faults[1].startswith("bomb.png has more than 178,956,970 pixels")
    assert faults[2].startswith("notes.txt is not an image")

    found = slotlight.load(rule=ObjectRule(min_score=0.0)).discover(photo_paths[3])
    assert len(found) >= 2
    page.locator("#score input[type=number]").fill("0")
    page.wait_for_function(f"document.querySelectorAll('#table .badge').length == {len(found)}")
    page.wait_for_timeout(1000)
    assert_shows(page, found)
    plain = (0.15, drawn(page, "#picture img"))

    page.locator("#number input[type=number]").fill("1")
    page.wait_for_function("document.querySelectorAll('#table .badge').length == 1")
    page.wait_for_timeout(1000)
    assert not np.array_equal(drawn(page, "#picture img"), plain[1])
    page.locator("#number input[type=number]").fill("20")
    page.wait_for_function(f"document.querySelectorAll('#table .badge').length == {len(found)}")

    page.locator("#formats input").click()
    page.get_by_role("option", name="csv").click()
    with page.expect_download() as downloaded:
        page.click("#save")
    zipped = zipfile.ZipFile(downloaded.value.path())
    assert zipped.read("objects.csv").startswith(b"file_name,")
    content = json.loads(zipped.read("objects.json"))
    assert {"masks/rocket.png", "masks/astronaut.png", "overlays/rocket.jpg"} < set(zipped.namelist())
    image = next(one["id"] for one in content["images"] if one["file_name"] == "rocket.jpg")
    assert [one["score"] for one in content["annotations"] if one["image_id"] == image] == [
        round(float(score), 4) for score in found.scores
    ]
    page.locator("#strip .thumbnail-item").nth(1).click()
    page.wait_for_function("document.querySelector('#table').innerText.includes('astronaut.jpg')")
    assert page.elsewhere == []
    assert page.faults == []


def assert_shows(page, found):
    """Each object is tinted in the colour of its number in the table."""
    picture = drawn(page, "#picture img")
    size = picture.shape[1::-1]
    photograph = np.asarray(Image.fromarray(found.image).resize(size)).astype(float)
    for number, mask in enumerate(found.masks):
        colour = (
            page.locator("#table .badge").nth(number).evaluate("one => getComputedStyle(one).backgroundColor")
        )
        red, green, blue = (float(value) for value in colour[4:-1].split(","))
        inside = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
        tinted = 0.6 * photograph[inside] + 0.4 * np.array([red, green, blue])
        assert np.median(np.abs(picture[inside] - tinted)) < 8
        assert np.median(np.abs(picture[inside] - photograph[inside])) > 16
    outside = ~found.masks.any(axis=0)
    outside = np.asarray(Image.fromarray(outside).resize(size, Image.Resampling.NEAREST))
    assert np.median(np.abs(picture[outside] - photograph[outside])) < 8


@pytest.mark.slow
def test_an_upload_of_too_many_bytes_is_one_sentence(server, page, tmp_path):
    (tmp_path / "large.jpg").write_bytes(b"\xff" * 4_000_000)
    page.goto(server.url)
    page.set_input_files("#files input[type=file]", [tmp_path / "large.jpg"])
    toast = page.locator(".toast-body").first
    toast.wait_for()
    assert 'exceed the maximum allowed size of 2.9 Mb: "large.jpg"' in toast.inner_text()
    assert "Traceback" not in server.log.read_text()


def status(url, host=None, body=None):
    """What a server answers: a status and the beginning of its content."""
    asked = urllib.request.Request(url, data=body, headers={"Host": host} if host else {})
    if body:
        asked.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read(2000)
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read(2000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        "file=../../../../etc/passwd",
        "file=%2Fetc%2Fpasswd",
        f"file={Path(slotlight.__file__)}",
        "file=http://127.0.0.1:7893/",
        "file=https://example.org/",
        "proxy=https://example.org/",
    ],
)
def test_no_file_of_the_machine_is_served(server, path):
    code, content = status(f"{server.url}gradio_api/{path}")
    assert code in (403, 404), content
    assert b"root:" not in content


@pytest.mark.slow
def test_a_path_in_place_of_an_upload_is_refused(server):
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    config = full_config(server)
    change = next(one["id"] for one in config["dependencies"] if one["targets"][0][1] == "change")
    body = {"data": [[file], None, 0.15, 20], "fn_index": change, "session_hash": "path"}
    code, _ = status(f"{server.url}gradio_api/queue/join", body=json.dumps(body).encode())
    assert code in (200, 403)
    with urllib.request.urlopen(f"{server.url}gradio_api/queue/data?session_hash=path", timeout=60) as events:
        said = next(line for line in events if b"process_completed" in line)
    assert b'"success":false' in said.replace(b" ", b"")
    assert b"root:" not in said


def full_config(server):
    with urllib.request.urlopen(f"{server.url}config", timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_other_names_for_this_machine_are_refused(server):
    assert status(server.url, host="evil.example")[0] == 400
    assert status(server.url, host="localhost:7893")[0] == 200


def build(gradio):
    with gradio.Blocks() as blocks:
        gradio.HTML("nothing")
    return blocks, {}


@pytest.mark.slow
def test_another_server_cannot_have_the_port_and_nothing_is_left_behind(server):
    from slotlight.config.page import PageConfig
    from slotlight.errors import OutputError
    from slotlight.page.server import serve

    gradio = pytest.importorskip("gradio")
    for place, says in (
        (PageConfig(port=7893), "127.0.0.1, port 7893"),
        (PageConfig(host="192.0.2.1", port=7894), "not this machine's"),
    ):
        with pytest.raises(OutputError, match=says):
            serve(lambda _: build(gradio), place)
    assert any(server.temporary.glob("slotlight-*"))
    assert server.stop() == 0
    assert list(server.temporary.glob("slotlight-*")) == []
