"""From a discovery to named groups: what is written, renamed, resumed and refused."""

import json
from pathlib import Path

import pytest
from faster_coco_eval import COCO
from PIL import Image

import slotlight
from slotlight.config import ObjectRule
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.errors import ConfigError, OutputError
from slotlight.groups import run
from slotlight.groups.features import FeatureReader
from slotlight.groups.found import FoundObjects
from slotlight.groups.run import group_objects


@pytest.fixture(scope="module")
def reader() -> FeatureReader:
    segmenter = slotlight.load().segmenter
    return FeatureReader(segmenter.backbone, 112, batch_size=2)


def discover(photographs: list[Path], out: Path) -> None:
    """Seven tiles of each photograph."""
    discoverer = slotlight.load("tiles", rule=ObjectRule(min_score=0.0))
    results = ResultFolder(out, photographs, {"model": "tiles"}, overlays=False, masks=False)
    lines = discover_entries(discoverer, results.left, results.pictures, batch_size=4, seed=0)
    for _ in results.take(lines):
        pass
    results.finish()
    results.close()


@pytest.fixture(scope="module")
def found(tmp_path_factory, photo_paths) -> FoundObjects:
    folder = tmp_path_factory.mktemp("found")
    discover(photo_paths, folder / "out")
    return FoundObjects.of(folder / "out")


def test_groups_that_coco_tools_read_and_a_person_names(found, reader, tmp_path):
    grouped = group_objects(found, tmp_path / "out", reader, groups=3)
    assert sum(grouped.sizes) == found.objects == 28
    coco = COCO(str(tmp_path / "out/grouped.json"))
    before = COCO(str(found.folder / "objects.json"))
    assert [c["name"] for c in coco.dataset["categories"]] == ["group 1", "group 2", "group 3"]
    assert coco.dataset["images"] == before.dataset["images"]
    group_of = [a["category_id"] for a in coco.dataset["annotations"]]
    assert [group_of.count(group) for group in (1, 2, 3)] == list(grouped.sizes)
    for one, other in zip(coco.dataset["annotations"], before.dataset["annotations"], strict=True):
        assert one | {"category_id": 1} == other
    for group in (1, 2, 3):
        sheet = Image.open(tmp_path / f"out/sheets/group-{group:02d}.jpg")
        assert sheet.size == (6 * 160, -(-min(grouped.sizes[group - 1], 24) // 6) * 160)

    (tmp_path / "out/names.csv").write_text("group,name\n1,sky\n2,\n3,sky\n")
    clusters = (tmp_path / "out/.clusters.json").read_bytes()
    renamed = group_objects(found, tmp_path / "out", reader, groups=3)
    assert renamed.names == {1: "sky", 2: "", 3: "sky"}
    assert (tmp_path / "out/.clusters.json").read_bytes() == clusters
    assert (tmp_path / "out/names.csv").read_text() == "group,name\n1,sky\n2,\n3,sky\n"
    coco = json.loads((tmp_path / "out/grouped.json").read_text())
    assert coco["categories"] == [{"id": 1, "name": "sky"}]
    assert [a["category_id"] for a in coco["annotations"]] == [1] * (grouped.sizes[0] + grouped.sizes[2])

    with pytest.raises(OutputError, match=r"names\.csv holds edited names"):
        group_objects(found, tmp_path / "out", reader, groups=2, start_over=True)
    (tmp_path / "out/names.csv").rename(tmp_path / "names.csv")
    again = group_objects(found, tmp_path / "out", reader, groups=2, start_over=True)
    assert again.names == {1: "group 1", 2: "group 2"}
    assert not (tmp_path / "out/sheets/group-03.jpg").exists()


def test_a_stopped_run_goes_on_to_the_same_groups(found, reader, tmp_path):
    group_objects(found, tmp_path / "whole", reader, groups=4, seed=5)

    def stop(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        group_objects(found, tmp_path / "out", reader, groups=4, seed=5, on_photograph=stop)
    with (tmp_path / "out/.features.jsonl").open("a") as record:
        record.write('{"file": "cut off in the mid')
    done = []
    group_objects(found, tmp_path / "out", reader, groups=4, seed=5, on_photograph=done.append)
    assert done == [2, 3, 4]
    for name in ("grouped.json", "names.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_run_is_refused(found, reader, tmp_path):
    group_objects(found, tmp_path / "out", reader, groups=2)
    with pytest.raises(OutputError, match="groups was 2 and is now chosen"):
        group_objects(found, tmp_path / "out", reader)


def test_photographs_that_are_gone_are_named_and_left_out(reader, photo_paths, tmp_path):
    photographs = []
    for path in photo_paths[:2]:
        photographs.append(tmp_path / path.name)
        photographs[-1].write_bytes(path.read_bytes())
    discover(photographs, tmp_path / "found")
    photographs[0].unlink()
    found = FoundObjects.of(tmp_path / "found")
    grouped = group_objects(found, tmp_path / "out", reader)
    assert list(grouped.failures) == [str(photographs[0])]
    coco = json.loads((tmp_path / "out/grouped.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [str(photographs[1])]
    assert sum(grouped.sizes) == len(coco["annotations"]) == 7


def test_too_many_groups_leave_the_features(found, reader, tmp_path):
    with pytest.raises(ConfigError, match="29 groups cannot be made of 28 objects"):
        group_objects(found, tmp_path / "out", reader, groups=29)
    assert len((tmp_path / "out" / run._FEATURES).read_text().splitlines()) == 4
