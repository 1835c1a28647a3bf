"""Formats of a run: written at its end, by a merge, and from a finished run without the model; the same bytes."""

import json
from pathlib import Path

import pytest

from commands import files_below
from found_scenes import discovery
from slotlight.config import FormatConfig
from slotlight.discovery.converting import convert_run
from slotlight.discovery.merging import merge_shards
from slotlight.discovery.record import Line
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.shards import Shard
from slotlight.errors import ConfigError, OutputError
from slotlight.formats.registry import FORMATS
from slotlight.images import read_photograph

IDENTITY = {"model": "some model", "fingerprint": "f00d", "seed": 0}
EVERYTHING = FormatConfig(format=tuple(FORMATS), uncertain_first=True)


@pytest.fixture
def photographs(tmp_path) -> list[Path]:
    from found_scenes import photograph

    names = ("a.png", "sub/a.png", "sub/b.png", "broken.png", "e.png")
    return [photograph(tmp_path / "in" / name, seed) for seed, name in enumerate(names)]


def run(out: Path, photographs: list[Path], formats: FormatConfig, shard: str = "", count: int = 2) -> Path:
    part = Shard.parse(shard) if shard else None
    results = ResultFolder(out, photographs, IDENTITY, formats=formats, shard=part)
    for entry in results.left:
        if "broken" in entry.file:
            line = Line.failed(entry, "broken.png is broken")
        else:
            shapes = ("ell", "corner", "row")[:count]
            found = discovery(Path(entry.file), shapes)
            found = type(found)(read_photograph(entry.file), *_rest(found), tag=entry)
            line = results.pictures.write(found)
        list(results.take([line]))
    results.finish()
    results.close()
    return out


def _rest(found):
    return found.segments, found.masks, found.boxes_xyxy, found.scores, found.path


def test_all_formats_at_once_in_one_run_in_shards_and_converted(tmp_path, photographs):
    whole = files_below(run(tmp_path / "whole", photographs, EVERYTHING))
    assert {name.split("/")[0] for name in whole} == {
        *(one.output for one in FORMATS.values()),
        *("masks", "overlays", "failures.json", "uncertain-first.csv"),
    }
    assert len([name for name in whole if name.startswith("cutouts/")]) == 8
    shards = [run(tmp_path / f"s{n}", photographs, EVERYTHING, f"{n}/3") for n in (1, 2, 3)]
    merge_shards(shards[::-1], tmp_path / "merged")
    assert files_below(tmp_path / "merged") == whole
    merge_shards(shards, tmp_path / "merged")
    assert files_below(tmp_path / "merged") == whole
    plain = run(tmp_path / "plain", photographs, FormatConfig())
    for _ in range(2):
        assert convert_run(plain, tmp_path / "converted", EVERYTHING) == 4
        converted = files_below(tmp_path / "converted")
        assert converted == {name: whole[name] for name in converted}
        assert len(converted) == len(whole) - 4 - 4 - 1  # without masks, overlays and failures


def test_other_formats_are_another_run_and_cutouts_follow_the_photographs(tmp_path, photographs):
    formats = FormatConfig(format=("csv", "cutouts"))
    out = run(tmp_path / "out", photographs, formats)
    with pytest.raises(OutputError, match="format was csv cutouts and is now yolo"):
        run(out, photographs, FormatConfig(format=("yolo",)))
    photographs[0].touch()
    run(out, photographs, formats, count=1)
    assert len(list((out / "cutouts/a").iterdir())) == 1
    assert len(list((out / "cutouts/sub/a").iterdir())) == 2
    run(out, photographs[1:], formats)
    assert not list((out / "cutouts/a").glob("*.png"))
    (out / "cutouts/sub/a/2.png").unlink()
    run(out, photographs[1:], formats)
    assert len(list((out / "cutouts/sub/a").iterdir())) == 2


def test_names_of_files(tmp_path, photographs):
    root = FormatConfig(root=tmp_path / "in")
    out = run(tmp_path / "out", photographs, root)
    names = [image["file_name"] for image in json.loads((out / "objects.json").read_text())["images"]]
    assert names == ["a.png", "e.png", "sub/a.png", "sub/b.png"]
    with pytest.raises(ConfigError, match="does not lie below"):
        run(tmp_path / "other", photographs, FormatConfig(root=tmp_path / "in/sub"))
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_converted(tmp_path, photographs):
    with pytest.raises(
        OutputError, match=r"in holds no objects; name a folder that `slotlight discover` wrote"
    ):
        convert_run(tmp_path / "in", tmp_path / "out", EVERYTHING)
    stopped = ResultFolder(tmp_path / "stopped", photographs, IDENTITY)
    stopped.close()
    with pytest.raises(OutputError, match=r"The run in .*stopped is not finished"):
        convert_run(tmp_path / "stopped", tmp_path / "out", EVERYTHING)
    finished = run(tmp_path / "found", photographs, FormatConfig())
    with pytest.raises(OutputError, match="holds another run"):
        convert_run(finished, finished, EVERYTHING)
    convert_run(finished, tmp_path / "out", FormatConfig(format=("csv",)))
    with pytest.raises(OutputError, match="format was csv"):
        convert_run(finished, tmp_path / "out", EVERYTHING)
    convert_run(finished, tmp_path / "out", FormatConfig(format=("voc",)), start_over=True)
    assert all(name.startswith("voc/") for name in files_below(tmp_path / "out"))


def test_a_photograph_is_saved_in_several_formats(tmp_path, photographs):
    found = discovery(photographs[0])
    for _ in range(2):
        found.save(tmp_path / "saved", "voc", "coco-polygons")
    assert {path.name for path in (tmp_path / "saved").glob("[!.]*")} == {"voc", "objects-polygons.json"}
    finished = run(tmp_path / "found", photographs, FormatConfig())
    with pytest.raises(OutputError, match="holds another run"):
        found.save(finished)
    with pytest.raises(ConfigError, match="was not read from a file"):
        discovery().save(tmp_path / "nowhere")
