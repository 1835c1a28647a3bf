"""Result folders: names, formats, kills and full disks."""

import json
from pathlib import Path

import numpy as np
import pytest
from faster_coco_eval import COCO
from PIL import Image

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.results import ResultFolder
from slotlight.errors import OutputError

IDENTITY = {"model": "some model", "seed": 0}


def discovery(path: Path, objects: int = 2) -> Discovery:
    masks = np.zeros((objects, 20, 30), dtype=bool)
    for number in range(objects):
        masks[number, 4 * number : 4 * number + 3, 5:9] = True
    boxes = np.array([[5, 4 * n, 9, 4 * n + 3] for n in range(objects)], np.float32).reshape(-1, 4)
    scores = np.linspace(0.9, 0.5, objects).astype(np.float32)
    image = np.full((20, 30, 3), 200, np.uint8)
    return Discovery(image, masks.any(axis=0).astype(np.uint8), masks, boxes, scores, path)


def write(folder: Path, photographs: list[Path], failures=()) -> None:
    results = ResultFolder(folder, photographs, IDENTITY)
    for path in photographs:
        if path not in results.done:
            results.add(discovery(path))
    results.finish(failures)
    results.close()


def test_a_folder_that_coco_tools_read(tmp_path):
    photographs = [tmp_path / "in" / name for name in ("a.jpg", "b.jpg", "sub/a.jpg")]
    write(tmp_path / "out", photographs, [(Path("c.jpg"), "c.jpg is empty")])
    coco = COCO(str(tmp_path / "out" / "objects.json"))
    assert [image["file_name"] for image in coco.dataset["images"]] == [str(p) for p in photographs]
    assert len(coco.getAnnIds()) == 6
    annotation = coco.loadAnns(coco.getAnnIds(imgIds=[1]))[0]
    assert np.array_equal(coco.annToMask(annotation), discovery(photographs[0]).masks[0])
    assert annotation["bbox"] == [5, 0, 4, 3]
    assert coco.dataset["categories"] == [{"id": 1, "name": "object"}]
    assert coco.dataset["info"]["model"] == "some model"
    for name in ("a", "b", "sub/a"):
        labels = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{name}.png"))
        assert np.array_equal(labels, discovery(photographs[0]).labels)
        assert Image.open(tmp_path / "out" / "overlays" / f"{name}.jpg").size == (30, 20)
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert failures == [{"file": "c.jpg", "cause": "c.jpg is empty"}]
    assert not list((tmp_path / "out").rglob("*partial*"))


def test_a_stopped_run_goes_on(tmp_path):
    photographs = [tmp_path / f"{n}.jpg" for n in range(40)]
    write(tmp_path / "whole", photographs)
    stopped = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    for path in photographs[:30]:
        stopped.add(discovery(path))
    stopped.close()  # as a kill would: nothing is finished
    with (tmp_path / "out" / ".progress.jsonl").open("a") as progress:
        progress.write('{"file": "cut off in the mid')
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert 10 <= len(again.done) < 30
    again.close()
    write(tmp_path / "out", photographs)
    one, other = ((tmp_path / d / "objects.json").read_text() for d in ("whole", "out"))
    assert one == other


def test_another_run_is_refused_and_starts_over_when_asked(tmp_path):
    photographs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    stopped = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    add_and_record(stopped, photographs[0])
    stopped.close()
    again = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    assert again.done == {photographs[0]}
    again.close()
    other = {"model": "another model", "seed": 0}
    with pytest.raises(OutputError, match="model was some model and is now another model"):
        ResultFolder(tmp_path / "out", photographs, other)
    begun = ResultFolder(tmp_path / "out", photographs, other, start_over=True)
    assert begun.done == set()
    assert not list((tmp_path / "out/masks").glob("*.png"))


def add_and_record(results: ResultFolder, photograph: Path) -> None:
    results.add(discovery(photograph))
    for line in results._queue.rest():
        results._record(line)


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
    assert results.done == {first[2]}
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


def test_full_disk_is_one_sentence_and_keeps_what_is_done(tmp_path):
    photographs = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    add_and_record(results, photographs[0])
    results._lines.close()
    results._lines = Path("/dev/full").open("w")  # noqa: SIM115
    results.add(discovery(photographs[1]))
    with pytest.raises(OutputError, match="No space left on device"):
        results.finish([])
    with pytest.raises(OutputError, match="No space left on device"):
        results.close()
    assert ResultFolder(tmp_path / "out", photographs, IDENTITY).done == {photographs[0]}
