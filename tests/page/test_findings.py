"""What the page shows: exactly what `discover` would have given, for any score and number, without the model."""

import json
import zipfile
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import slotlight
from page_uploads import png_header
from slotlight.config import ObjectRule
from slotlight.discovery.discoverer import Discoverer
from slotlight.images import max_pixels, set_max_pixels
from slotlight.page.findings import EVERYTHING, MOST_OBJECTS, MOST_PHOTOGRAPHS, look_at, write_zip


@pytest.fixture(scope="module")
def discoverer() -> Discoverer:
    return slotlight.load(rule=EVERYTHING)


@pytest.fixture(scope="module")
def look(discoverer, photo_paths):
    return look_at(discoverer, photo_paths)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(least=st.floats(0, 1), most=st.integers(1, MOST_OBJECTS))
def test_sliders_choose_what_the_model_would_have_kept(discoverer, look, photo_paths, least, most):
    rule = ObjectRule(min_score=least, max_objects=most)
    asked = Discoverer(discoverer.segmenter, rule=rule).discover(photo_paths[1])
    shown = look.findings[1].discovery(look.findings[1].count(least, most))
    np.testing.assert_array_equal(shown.masks, asked.masks)
    np.testing.assert_array_equal(shown.boxes_xyxy, asked.boxes_xyxy)
    # A sum's rounding depends on how its operands lie in memory, which differs from call to call.
    np.testing.assert_allclose(shown.scores, asked.scores, rtol=5e-6)
    np.testing.assert_array_equal(shown.image, asked.image)


def test_the_overlay_shows_each_object_in_its_colour(look):
    one = look.findings[0]
    count = one.count(0.05, 20)
    assert count >= 2
    picture = np.asarray(one.overlay(count)).astype(int)
    assert picture.shape == one.small.shape
    rows = one.rows(count)
    covered = np.zeros(picture.shape[:2], bool)
    for number, row in enumerate(rows):
        mask = one.small_masks[number].decode()
        covered |= mask
        colour = np.array([int(row.colour[at : at + 2], 16) for at in (1, 3, 5)])
        tinted = 0.6 * one.small[mask] + 0.4 * colour
        assert np.median(np.abs(picture[mask] - tinted)) <= 2
        assert row.number == number + 1
        cutout = Image.open(BytesIO(b64decode(row.cutout.split(",")[1])))
        assert cutout.mode == "RGBA"
        assert cutout.getchannel("A").getextrema() == (0, 255)
    fewer = np.asarray(one.overlay(count - 1)).astype(int)
    gone = one.small_masks[count - 1].decode()
    assert np.median(np.abs(fewer[gone] - one.small[gone])) <= 1


def test_the_zip_is_what_discover_writes(look, photo_paths, tmp_path):
    write_zip(tmp_path / "found.zip", look.findings, 0.05, 20, {"model": "embedded"})
    slotlight_cli(tmp_path, photo_paths)
    with zipfile.ZipFile(tmp_path / "found.zip") as zipped:
        names = set(zipped.namelist())
        assert names == {"objects.json"} | {
            f"{kind}/{path.stem}.{suffix}"
            for path in photo_paths
            for kind, suffix in (("masks", "png"), ("overlays", "jpg"))
        }
        for name in names - {"objects.json"}:
            assert zipped.read(name) == (tmp_path / "found" / name).read_bytes()
        shown = json.loads(zipped.read("objects.json"))
    written = json.loads((tmp_path / "found/objects.json").read_text())
    assert by_name(shown) == by_name(written)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []


def test_the_zip_has_the_formats_that_are_asked_for(look, photo_paths, tmp_path):
    write_zip(tmp_path / "found.zip", look.findings, 0.15, 20, {}, ["yolo", "csv", "cutouts"])
    with zipfile.ZipFile(tmp_path / "found.zip") as zipped:
        names = set(zipped.namelist())
        for path in photo_paths:
            assert zipped.read(f"yolo/images/{path.name}") == path.read_bytes()
            assert zipped.read(f"yolo/labels/{path.stem}.txt").startswith(b"0 0.")
            assert f"cutouts/{path.stem}/1.png" in names
        assert zipped.read("objects.csv").count(b"\n") == 1 + sum(
            one.count(0.15, 20) for one in look.findings
        )
    assert "objects.json" not in names


def by_name(content):
    names = {image["id"]: Path(image["file_name"]).name for image in content["images"]}
    return sorted(
        (names[one["image_id"]], one["score"], one["segmentation"]["counts"], one["bbox"])
        for one in content["annotations"]
    )


def slotlight_cli(home, photo_paths):
    from slotlight.cli.discover import discover

    assert discover(tuple(map(str, photo_paths)), out=home / "found") == 0


def test_broken_uploads_are_one_sentence_each_and_cost_the_others_nothing(discoverer, photo_paths, tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "notes.txt").write_text("no picture")
    cut = photo_paths[0].read_bytes()
    (tmp_path / "cut.jpg").write_bytes(cut[: len(cut) // 3])
    uploads = [tmp_path / "empty.jpg", photo_paths[1], tmp_path / "notes.txt", tmp_path / "cut.jpg"]
    look = look_at(discoverer, uploads)
    assert [one.name for one in look.findings] == ["chelsea.jpg"]
    assert look.faults[0] == "empty.jpg is empty (0 bytes); copy it again from its source."
    assert look.faults[1].startswith("notes.txt is not an image")
    assert look.faults[2].startswith("cut.jpg is damaged")
    assert not any(str(tmp_path) in fault or "\n" in fault for fault in look.faults)


def test_three_hundred_megapixels_are_refused_from_the_header(discoverer, tmp_path):
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_header(20_000, 15_000))
    look = look_at(discoverer, [bomb])
    assert look.faults == (
        f"bomb.png has more than {max_pixels():,} pixels; make it smaller, or raise the limit of pixels.",
    )
    before = max_pixels()
    try:
        set_max_pixels(1000)
        Image.new("RGB", (40, 40)).save(tmp_path / "small.png")
        assert "more than 1,000 pixels" in look_at(discoverer, [tmp_path / "small.png"]).faults[0]
    finally:
        set_max_pixels(before)


def test_two_uploads_of_one_name(discoverer, photo_paths, tmp_path):
    uploads = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        uploads.append(tmp_path / str(number) / "image.jpg")
        uploads[-1].write_bytes(photo_paths[number].read_bytes())
    look = look_at(discoverer, [*uploads, uploads[0]])
    assert [one.name for one in look.findings] == ["image.jpg", "image (2).jpg"]
    write_zip(tmp_path / "both.zip", look.findings, 0.15, 20, {})
    assert "masks/image (2).png" in zipfile.ZipFile(tmp_path / "both.zip").namelist()


def test_too_many_uploads(discoverer):
    look = look_at(discoverer, [Path(f"{number}.jpg") for number in range(MOST_PHOTOGRAPHS + 1)])
    assert look.faults == ("51 photographs are more than 50; use `slotlight discover` for whole folders.",)
