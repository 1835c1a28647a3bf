"""Result folders: names, formats, kills and full disks."""

import json
from pathlib import Path

import numpy as np
import pytest
from faster_coco_eval import COCO
from PIL import Image

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.record import Entry, Line
from slotlight.discovery.results import ResultFolder
from slotlight.errors import OutputError
from slotlight.images.places import LocalFile

IDENTITY = {"model": "some model", "seed": 0}


def discovery(entry: Entry, objects: int = 2) -> Discovery:
    masks = np.zeros((objects, 20, 30), dtype=bool)
    for number in range(objects):
        masks[number, 4 * number : 4 * number + 3, 5:9] = True
    boxes = np.array([[5, 4 * n, 9, 4 * n + 3] for n in range(objects)], np.float32).reshape(-1, 4)
    scores = np.linspace(0.9, 0.5, objects).astype(np.float32)
    image = np.full((20, 30, 3), 200, np.uint8)
    return Discovery(image, masks.any(axis=0).astype(np.uint8), masks, boxes, scores, Path(entry.file), entry)


def do(results: ResultFolder, count: int | None = None) -> None:
    """Do so many of the photographs that are left; those called ``broken`` fail."""
    lines = (
        Line.failed(entry, f"{entry.file} is broken")
        if "broken" in entry.file
        else results.pictures.write(discovery(entry))
        for entry in results.left[:count]
    )
    for _ in results.take(lines):
        pass


def write(folder: Path, photographs: list[Path], **how: object) -> None:
    results = ResultFolder(folder, photographs, IDENTITY, **how)
    do(results)
    results.finish()
    results.close()


def left(results: ResultFolder) -> list[Path]:
    return [Path(entry.file) for entry in results.left]


def test_a_folder_that_coco_tools_read(tmp_path):
    photographs = [tmp_path / "in" / name for name in ("a.jpg", "b.jpg", "sub/a.jpg")]
    write(tmp_path / "out", [*photographs, tmp_path / "in/broken.jpg"])
    coco = COCO(str(tmp_path / "out" / "objects.json"))
    assert [image["file_name"] for image in coco.dataset["images"]] == [str(p) for p in photographs]
    assert len(coco.getAnnIds()) == 6
    annotation = coco.loadAnns(coco.getAnnIds(imgIds=[coco.dataset["images"][0]["id"]]))[0]
    expected = discovery(Entry("a", "a", 1, [], LocalFile("a")))
    assert np.array_equal(coco.annToMask(annotation), expected.masks[0])
    assert annotation["bbox"] == [5, 0, 4, 3]
    assert coco.dataset["categories"] == [{"id": 1, "name": "object"}]
    assert coco.dataset["info"]["model"] == "some model"
    for name in ("a", "b", "sub/a"):
        labels = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{name}.png"))
        assert np.array_equal(labels, expected.labels)
        assert Image.open(tmp_path / "out" / "overlays" / f"{name}.jpg").size == (30, 20)
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    broken = str(tmp_path / "in/broken.jpg")
    assert failures == [{"file": broken, "cause": f"{broken} is broken"}]
    assert not list((tmp_path / "out").rglob("*partial*"))


def test_a_stopped_run_goes_on(tmp_path):
    photographs = [tmp_path / f"{n}.jpg" for n in range(40)]
    write(tmp_path / "whole", photographs)
    stopped = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    do(stopped, 30)
    stopped.close()  # as a kill would: nothing is finished
    with (tmp_path / "out" / ".progress.jsonl").open("a") as progress:
        progress.write('{"file": "cut off in the mid')
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert left(again) == photographs[30:]
    again.close()
    write(tmp_path / "out", photographs)
    one, other = ((tmp_path / d / "objects.json").read_text() for d in ("whole", "out"))
    assert one == other


def test_another_run_is_refused_and_starts_over_when_asked(tmp_path):
    photographs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    stopped = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    do(stopped, 1)
    stopped.close()
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert left(again) == photographs[1:]
    again.close()
    other = {"model": "another model", "seed": 0}
    with pytest.raises(OutputError, match="model was some model and is now another model"):
        ResultFolder(tmp_path / "out", photographs, other)
    begun = ResultFolder(tmp_path / "out", photographs, other, start_over=True)
    assert left(begun) == photographs
    assert not list((tmp_path / "out/masks").glob("*.png"))


def test_failures_are_left_until_they_change_or_are_asked_for(tmp_path):
    photographs = photographs_in(tmp_path / "in", "a.jpg", "broken.jpg")
    write(tmp_path / "out", photographs)
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert (left(again), again.failed_before) == ([], 1)
    again.close()
    asked = ResultFolder(tmp_path / "out", photographs, IDENTITY, retry_failed=True)
    assert (left(asked), asked.failed_before) == (photographs[1:], 0)
    do(asked)
    asked.close()
    photographs[1].chmod(0o600)  # whoever mends the permissions need not ask
    mended = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert left(mended) == photographs[1:]


def test_the_order_of_the_photographs_changes_nothing(tmp_path):
    photographs = photographs_in(tmp_path / "in", "b.jpg", "a.jpg", "broken.jpg")
    write(tmp_path / "out", photographs)
    write(tmp_path / "turned", photographs[::-1])
    for name in ("objects.json", "failures.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "turned" / name).read_bytes()


def test_without_label_maps_a_run_goes_on_too(tmp_path):
    photographs = photographs_in(tmp_path / "in", "a.jpg", "b.jpg")
    write(tmp_path / "out", photographs, masks=False, overlays=False)
    assert pictures(tmp_path / "out") == set()
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY, masks=False, overlays=False)
    assert left(again) == []


def photographs_in(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


def pictures(out: Path) -> set[str]:
    return {p.relative_to(out).as_posix() for p in out.rglob("*") if p.suffix in (".png", ".jpg")}


def test_photographs_that_are_new_changed_or_gone(tmp_path):
    """The same run over a folder that has changed ends as a fresh run would."""
    first = photographs_in(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    write(tmp_path / "out", first)
    (tmp_path / "in/b.jpg").write_text("another photograph")
    second = [first[1], first[2], *photographs_in(tmp_path / "in", "d.jpg")]
    results = ResultFolder(tmp_path / "out", second, IDENTITY)
    assert left(results) == [second[0], second[2]]
    results.close()
    write(tmp_path / "out", second)
    write(tmp_path / "fresh", second)
    one, other = ((tmp_path / d / "objects.json").read_text() for d in ("out", "fresh"))
    assert one == other
    assert pictures(tmp_path / "out") == pictures(tmp_path / "fresh")


def test_an_overlay_that_cannot_be_drawn_ends_nothing(tmp_path, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise ValueError("bad font size")

    monkeypatch.setattr("slotlight.discovery.discovery.overlay", fail)
    write(tmp_path / "out", photographs_in(tmp_path / "in", "a.jpg"))
    assert "No overlay of" in caplog.text
    assert pictures(tmp_path / "out") == {"masks/a.png"}


def test_unwritable_output_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file cannot be written: .+; make room"):
        ResultFolder(tmp_path / "file", [tmp_path / "a.jpg"], IDENTITY)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_one_sentence_and_keeps_what_is_done(tmp_path):
    photographs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    do(results, 1)
    results._lines.close()
    results._lines = Path("/dev/full").open("w")  # noqa: SIM115
    results.left = results.left[1:]
    with pytest.raises(OutputError, match="No space left on device"):
        do(results)
    with pytest.raises(OutputError, match="No space left on device"):
        results.close()
    assert left(ResultFolder(tmp_path / "out", photographs, IDENTITY)) == photographs[1:]


@pytest.mark.parametrize("picture", ["masks/a.png", "overlays/a.jpg"])
def test_a_picture_that_is_gone_is_made_again(tmp_path, picture):
    photographs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    write(tmp_path / "out", photographs)
    before = (tmp_path / "out" / picture).read_bytes()
    (tmp_path / "out" / picture).unlink()
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert left(again) == photographs[:1]
    again.close()
    write(tmp_path / "out", photographs)
    assert (tmp_path / "out" / picture).read_bytes() == before
