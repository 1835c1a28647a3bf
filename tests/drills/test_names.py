"""Trees of hostile names, and very many files in one folder."""

import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Command, contents
from damage import Drill
from slotlight.discovery.naming import picture_names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

TREES = 40
STEMS = [
    *(
        "a",
        "A",
        "a.png",
        "a.jpg",
        "a.jpg.jpg",
        ".hidden",
        "-",
        "--help",
        "-o",
        "~",
        "$HOME",
        "%s",
        "{}",
        "..a",
        "a.",
    ),
    *(
        "CON",
        "nul",
        "[1]",
        "[bold]",
        "*",
        "?",
        "**",
        "\\",
        "a\\b",
        "'",
        '"',
        "&amp;<b>",
        " ",
        " a ",
        "\u3000",
    ),
    *(
        "new\nline",
        "\r",
        "\t",
        "\x1b[2J",
        "\x07",
        "\x7f",
        "\u202egpj",
        "\ufeff",
        "e\u0301",
        "é",
        "K",
        "K",
        "ß",
        "ss",
    ),
    *("猫", "字" * 82, "x" * 247, "é" * 120, "👩‍👩‍👧", "\udcff\udcfe", "a\udc80", "مرحبا"),
]


def picture(rng: random.Random, kind: str) -> bytes:
    file = io.BytesIO()
    levels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(levels).save(file, kind)
    return file.getvalue()


def grow(root: bytes, rng: random.Random) -> None:
    """A folder tree with up to 14 photographs, whose names are as bad as a file system allows."""
    folders = [root]
    for _ in range(rng.randrange(3, 15)):
        folder = rng.choice(folders)
        stem = os.fsencode(rng.choice(STEMS) + rng.choice(("", "", "2")))[:251]
        suffix, kind = rng.choice(
            ((b".jpg", "JPEG"), (b".png", "PNG"), (b".JPG", "JPEG"), (b".jpeg", "JPEG"))
        )
        path = folder + b"/" + stem + suffix
        if os.path.lexists(path):
            continue
        if rng.random() < 0.3:
            os.mkdir(path)  # noqa: PTH102 - names of bytes
            folders.append(path)
        else:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(picture(rng, kind))
    with open(root + b"/z.png", "wb") as file:  # noqa: PTH123
        file.write(picture(rng, "PNG"))


@pytest.mark.parametrize("name", ["discover", "evaluate"])
def test_trees(
    command: Callable[..., Command], tmp_path: Path, drill: Drill, rng: random.Random, name: str
) -> None:
    for number in range(TREES):
        home = tmp_path / str(number)
        (home / "in").mkdir(parents=True)
        grow(os.fsencode(home / "in"), rng)
        before = contents(home)
        if name == "discover":
            where = rng.choice((("in", "out"), (".", "out"), (str(home / "in"), "here[1]\n"), ("in", "-out")))
            arguments = ("discover", where[0], f"--out={where[1]}", "--model", "centre-box")
        else:
            where = ("in", "out")
            arguments = (
                "evaluate",
                "--data",
                "in",
                "--masks",
                "in",
                "--out",
                "out",
                "--protocol",
                "saliency",
            )
            arguments = (*arguments, "--model", "centre-box", "--no-floors", "--on-error", "skip")
        ended = command(*arguments, cwd=home).end()
        fault = ended.fault or fault_in(home, before, where[1])
        is_said = (
            ended.status == 2 and ended.output.count("\n") == 1
        )  # such as twins that differ in their suffix
        if ended.status == 0 and name == "discover":
            fault = fault or fault_of_objects(
                home / where[1], home, command(*arguments, cwd=home).end().output
            )
        elif ended.status != 0:
            fault = fault or ("" if is_said else f"status {ended.status}: {ended.output[-600:]}")
        drill.note(f"{name}, tree {number}", fault, ended.seconds)
    drill.check(TREES)


def fault_in(home: Path, before: dict[str, str], out: str) -> str:
    """Whether anything but the output folder has changed."""
    after = {name: digest for name, digest in contents(home).items() if not name.startswith(f"{out}/")}
    return "" if after == before else f"changed: {set(after.items()) ^ set(before.items())}"


def fault_of_objects(out: Path, home: Path, second: str) -> str:
    """Whether each photograph has a picture of its own, and a second run knows it."""
    images = json.loads((out / "objects.json").read_text())["images"]
    files = [Path(image["file_name"]) for image in images]
    expected = sum(path.is_file() and not path.name.startswith(".") for path in (home / "in").rglob("*"))
    masks = sorted((out / "masks").rglob("*.png"))
    masks = [path for path in masks if path.is_file()]
    if len({os.path.realpath(home / file) for file in files}) != len(files) or len(masks) != len(files):
        return f"{len(files)} photographs, {len(masks)} masks"
    if len(files) != expected:
        return f"{len(files)} of {expected} photographs"
    if f"({len(files)} of them in an earlier run)" not in " ".join(second.split()):
        return f"looked at again: {second[-300:]}"
    return ""


def test_ten_thousand_files(
    command: Callable[..., Command], tmp_path: Path, drill: Drill, rng: random.Random
) -> None:
    contents_of = [picture(rng, kind) for kind in ("PNG", "JPEG")]
    peaks: dict[tuple[str, int], int] = {}
    seconds: dict[tuple[str, int], float] = {}
    for count in (1_000, 10_000):
        folder, masks = tmp_path / f"{count}", tmp_path / f"masks{count}"
        folder.mkdir()
        masks.mkdir()
        mask = io.BytesIO()
        Image.fromarray(np.tri(20, 24, dtype=np.uint8) * 255).save(mask, "PNG")
        for number in range(count):
            (folder / f"{number}.jpg").write_bytes(contents_of[number % 2])
            (masks / f"{number}.png").write_bytes(mask.getvalue())
        for name, arguments in {
            "discover": ("discover", folder, "--model", "centre-box"),
            "evaluate": (
                *("evaluate", "--data", folder, "--masks", masks, "--protocol", "saliency"),
                *("--model", "centre-box", "--no-floors"),
            ),
        }.items():
            ended = command(*arguments, "--out", f"{name}{count}").end(timeout_s=1500)
            drill.note(f"{name}, {count}", ended.fault or str(ended.status or ""), ended.seconds)
            peaks[name, count], seconds[name, count] = ended.peak_bytes, ended.seconds
    for name in ("discover", "evaluate"):
        more = peaks[name, 10_000] - peaks[name, 1_000]
        print(
            f"{name}: {more / 1e6:.0f} MB more, {seconds[name, 10_000] / seconds[name, 1_000]:.1f} times as long"
        )
        assert more < 250e6  # names, boxes and run lengths: 10 to 19 kB each, as the heap happens to lie
        assert seconds[name, 10_000] < 20 * seconds[name, 1_000]
    drill.check(4)


def test_names_of_ten_thousand() -> None:
    paths = [Path(f"/x/{number % 100}/{number}.jpg") for number in range(10_000)]
    assert len(set(picture_names(paths).values())) == len(paths)
