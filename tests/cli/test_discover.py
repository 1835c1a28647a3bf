"""`slotlight discover` end to end, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import contents, found_images


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--batch-size", "0"), "batch_size is 0; it must be at least 1"),
        (("--batch-size", "1" + "0" * 20), "000; it must be at most 1,000,000,000"),
        (("--max-objects", "-1"), "max_objects is -1; it must be at least 1"),
        (("--max-objects", "256"), "max_objects is 256; it must be at most 255"),
        (("--min-score", "nan"), "min_score is nan; it must be in [0, 1]"),
        (("--min-score", "7"), "min_score is 7.0; it must be in [0, 1]"),
        (("--seed", "-1"), "seed is -1; it must be from 0"),
        (("--device", "meta"), "no device 'meta'"),
        (("--device", "privateuseone"), "no device 'privateuseone'"),
        (("--model", "tokencut@"), "has nothing after the @"),
        (("--weights", ""), "An empty name was given"),
    ],
)
def test_options_have_bounds(run, tmp_path, photo_paths, option, says):
    status, _, err = run("discover", photo_paths[0], "--out", tmp_path / "out", *option)
    assert (status, err.count("\n")) == (2, 1)
    assert says in err
    assert not (tmp_path / "out").exists()


def test_the_same_command_again_has_nothing_to_do(run, trip, monkeypatch):
    monkeypatch.chdir(trip)
    args = ("discover", "pics", "--out", "found", "--model", "centre-box")
    before = run(*args) and (trip / "found/objects.json").read_bytes()
    status, out, _ = run(*args)
    assert status == 0
    assert "1 photograph (1 of them in an earlier run)" in out
    assert (trip / "found/objects.json").read_bytes() == before
    status, _, err = run(*args, "--min-score", "0.5")
    assert (status, err.count("\n")) == (1, 1)
    assert "min_score was 0.15 and is now 0.5" in err


def test_a_name_that_looks_like_markup(run, trip, photo_paths):
    (trip / "[bold]x.jpg").write_bytes(photo_paths[0].read_bytes())
    status, out, _ = run("discover", trip / "[bold]x.jpg", "--out", trip / "found", "--model", "centre-box")
    assert status == 0
    assert "[bold]x.jpg" in out


def test_samples(run, tmp_path):
    status, out, err = run("discover", "--samples", "--out", tmp_path)
    assert (status, err) == (0, "")
    assert "4 photographs" in out
    found = json.loads((tmp_path / "objects.json").read_text())
    assert len(found["images"]) == 4
    with_objects = {annotation["image_id"] for annotation in found["annotations"]}
    assert with_objects == {image["id"] for image in found["images"]}  # objects in every sample
    assert found["info"]["model"] == "embedded"
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        overlay = Image.open(tmp_path / "overlays" / f"{name}.jpg")
        assert overlay.size == Image.open(tmp_path / "masks" / f"{name}.png").size
    assert json.loads((tmp_path / "failures.json").read_text()) == []


def test_the_same_seed_gives_the_same_file(run, photo_paths, tmp_path):
    for out in ("one", "other"):
        run("discover", *photo_paths, "--out", tmp_path / out, "--seed", "5")
    assert (tmp_path / "one/objects.json").read_bytes() == (tmp_path / "other/objects.json").read_bytes()


def unusual(folder: Path) -> list[Path]:
    """Photographs that are odd, but good."""
    ramp = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    colour = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    pictures = {
        "grey.png": colour.convert("L"),
        "palette.png": colour.convert("P"),
        "sixteen.png": Image.fromarray(ramp),
        "cmyk.jpg": colour.convert("CMYK"),
        "alpha.png": colour.convert("RGBA"),
        "pixel.png": Image.new("RGB", (1, 1)),
        "line.png": Image.new("RGB", (5000, 1)),
    }
    for name, picture in pictures.items():
        picture.save(folder / name)
    colour.save(folder / "turned.jpg", exif=exif)
    colour.save(folder / "animated.gif", save_all=True, append_images=[colour.rotate(90)])
    return sorted(folder.iterdir())


def test_unusual_photographs_are_no_failures(run, tmp_path):
    (tmp_path / "in").mkdir()
    paths = unusual(tmp_path / "in")
    status, _, err = run("discover", tmp_path / "in", "--out", tmp_path / "out", "--model", "kmeans-colour")
    assert (status, err) == (0, "")
    sizes = {Path(i["file_name"]).name: (i["width"], i["height"]) for i in found_images(tmp_path / "out")}
    assert len(sizes) == len(paths)
    assert sizes["turned.jpg"] == (48, 64)
    assert sizes["line.png"] == (5000, 1)


def test_broken_photographs_are_named_and_the_others_done(run, photo_paths, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.jpg").write_bytes(photo_paths[0].read_bytes())
    (folder / "truncated.jpg").write_bytes(photo_paths[1].read_bytes()[:2000])
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.jpg").write_bytes(b"")
    status, _, err = run("discover", folder, "--out", tmp_path / "out", "--model", "centre-box")
    assert status == 1
    lines = err.strip().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("failed: ") for line in lines)
    failures = json.loads((tmp_path / "out/failures.json").read_text())
    assert [Path(f["file"]).name for f in failures] == ["empty.jpg", "text.jpg", "truncated.jpg"]
    assert len(found_images(tmp_path / "out")) == 1


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), "name photographs or folders, or pass --samples"),
        (("nowhere",), "no file or folder nowhere"),
        (("nowhere/*.jpg",), "No photograph matches"),
        (("--samples", "--model", "embeded"), "did you mean 'embedded'"),
        (("--samples", "--model", "lost@dino-vits61"), "did you mean 'dino-vits16'"),
        (("--samples", "--device", "gpu"), "no device 'gpu'"),
    ],
)
def test_wrong_use_is_one_sentence(run, tmp_path, args, expected):
    status, _, err = run("discover", *args, "--out", tmp_path / "out")
    assert status == 2
    assert expected in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_one_sentence(run, tmp_path):
    (tmp_path / "in").mkdir()
    status, _, err = run("discover", tmp_path / "in", "--out", tmp_path / "out")
    assert status == 2
    assert "holds no photograph" in err


def test_unwritable_output_is_one_sentence(run, photo_paths, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, _, err = run("discover", photo_paths[0], "--out", tmp_path / "file", "--model", "centre-box")
    assert status == 1
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_a_killed_run_goes_on(photo_paths, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for path in photo_paths:
        small = Image.open(path).resize((160, 120))
        for number in range(30):
            small.save(folder / f"{path.stem}-{number:02}.jpg")
    command = [sys.executable, "-m", "slotlight", "discover", folder, "--model", "centre-box", "--out"]
    killed = subprocess.Popen([*command, tmp_path / "out"], stdout=subprocess.DEVNULL)
    progress = tmp_path / "out" / ".progress.jsonl"
    while not progress.is_file() or progress.read_text().count("\n") < 20:
        assert killed.poll() is None, "it finished before it could be killed"
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = {json.loads(line)["file"] for line in progress.read_text().splitlines()[:-1]}
    before = {name: (tmp_path / "out/masks" / name).stat().st_mtime_ns for name in done_masks(done)}
    subprocess.run([*command, tmp_path / "out"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*command, tmp_path / "whole"], check=True, stdout=subprocess.DEVNULL)
    one, other = ((tmp_path / d / "objects.json").read_bytes() for d in ("out", "whole"))
    assert one == other
    assert all((tmp_path / "out/masks" / name).stat().st_mtime_ns == then for name, then in before.items())


def done_masks(files: set[str]) -> list[str]:
    return [f"{Path(file).stem}.png" for file in files]


def test_photographs_are_never_written_over(run, trip, monkeypatch):
    before = contents(trip)
    monkeypatch.chdir(trip / "r/s")
    args = ("../../pics/a.jpg", "b.jpg", "--out", "../../O", "--model", "centre-box")
    assert run("discover", *args)[0] == 0
    after = contents(trip)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("O/") for name in after.keys() - before.keys())
    assert {"O/overlays/pics/a.jpg", "O/overlays/r/s/b.jpg"} <= after.keys()


@pytest.mark.parametrize("out", ["pics", "."])
def test_a_folder_of_the_user_s_is_no_output(run, trip, monkeypatch, out):
    before = contents(trip)
    monkeypatch.chdir(trip)
    status, _, err = run("discover", "pics", "--out", out, "--model", "centre-box")
    assert (status, err.count("\n")) == (1, 1)
    assert "did not write" in err
    assert contents(trip) == before


def test_what_was_written_is_no_input(run, trip, monkeypatch):
    monkeypatch.chdir(trip)
    for _ in range(3):
        status, out, _ = run("discover", ".", "--out", "found", "--model", "centre-box", "--start-over")
        assert status == 0
        assert "2 photographs" in out
    status, _, err = run("discover", "found", "--out", "other", "--model", "centre-box")
    assert status == 2
    assert "pictures that Slotlight wrote itself" in err


def test_one_file_by_two_paths_is_one_photograph(run, trip, monkeypatch):
    monkeypatch.chdir(trip)
    (trip / "link.jpg").symlink_to(trip / "pics/a.jpg")
    args = ("pics/a.jpg", "r/../pics/a.jpg", trip / "pics/a.jpg", "link.jpg")
    status, out, _ = run("discover", *args, "--out", "found", "--model", "centre-box")
    assert status == 0
    assert "1 photograph" in out
