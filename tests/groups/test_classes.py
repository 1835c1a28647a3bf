"""A person renames groups, and every format follows."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet
import pytest
import supervision

import slotlight
from slotlight.cli.convert import convert
from slotlight.config import FormatConfig, ObjectRule
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.errors import OutputError
from slotlight.groups.features import FeatureReader
from slotlight.groups.found import FoundObjects
from slotlight.groups.run import group_objects

FORMATS = FormatConfig(format=("coco", "yolo", "voc", "label-studio", "csv", "parquet"))


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, photo_paths) -> tuple[Path, Path]:
    """Seven tiles of each of two photographs, in three groups, and a photograph that nothing is found in."""
    folder = tmp_path_factory.mktemp("grouped")
    found = folder / "found"
    results = ResultFolder(found, photo_paths[:3], {"model": "tiles"}, overlays=False, masks=False)
    for entries, least in ((results.left[:2], 0.0), (results.left[2:], 0.9)):
        discoverer = slotlight.load("tiles", rule=ObjectRule(min_score=0.0, min_area=least))
        lines = discover_entries(discoverer, entries, results.pictures, batch_size=4, seed=0)
        list(results.take(lines))
    results.finish()
    results.close()
    reader = FeatureReader(slotlight.load().segmenter.backbone, 64, batch_size=2)
    group_objects(FoundObjects.of(found), folder / "groups", reader, groups=3)
    return found, folder / "groups"


def named(groups: Path, names: list[str]) -> None:
    rows = "".join(f'{group},"{name}"\n' for group, name in enumerate(names, start=1))
    (groups / "names.csv").write_text(f"group,name\n{rows}", encoding="utf-8")


def classes_by_format(out: Path) -> dict[str, list[str]]:
    """The class of each object, as each format names it."""
    coco = json.loads((out / "objects.json").read_text())
    categories = {category["id"]: category["name"] for category in coco["categories"]}
    yolo = supervision.DetectionDataset.from_yolo(
        str(out / "yolo/images"), str(out / "yolo/labels"), str(out / "yolo/data.yaml"), force_masks=True
    )
    of_yolo = {
        Path(path).name: [yolo.classes[number] for number in found.class_id] for path, _, found in yolo
    }
    voc = [ElementTree.parse(path) for path in sorted((out / "voc/Annotations").rglob("*.xml"))]
    tasks = json.loads((out / "label-studio.json").read_text())
    results = [one["value"] for task in tasks for one in task["predictions"][0]["result"]]
    with (out / "objects.csv").open(encoding="utf-8", newline="") as rows:
        boxes = list(csv.DictReader(rows))
    table = pyarrow.parquet.read_table(out / "objects.parquet").to_pylist()
    return {
        "coco": [categories[annotation["category_id"]] for annotation in coco["annotations"]],
        "yolo": [name for file in sorted(of_yolo) for name in of_yolo[file]],
        "voc": [name.text for tree in voc for name in tree.findall("object/name")],
        "label-studio": [value["brushlabels"][0] for value in results if "brushlabels" in value],
        "csv": [row["class"] for row in boxes],
        "parquet": [one["class"] for row in table for one in row["objects"]],
    }


def test_names_reach_every_format_and_follow_when_they_change(grouped, tmp_path):
    found, groups = grouped
    sizes = json.loads((groups / ".clusters.json").read_text())["sizes"]
    for names in (["cat", "dog", "cat"], ["cat", "", "猫 #2"]):
        named(groups, names)
        assert convert(found, out=tmp_path / "out", groups=groups, formats=FORMATS) == 0
        by_format = classes_by_format(tmp_path / "out")
        first = by_format["coco"]
        assert by_format == dict.fromkeys(by_format, first)
        for name in filter(None, set(names)):
            assert first.count(name) == sum(
                size for size, own in zip(sizes, names, strict=True) if own == name
            )
        assert set(first) == set(filter(None, names))
        images = json.loads((tmp_path / "out/objects.json").read_text())["images"]
        assert len(images) == 3  # the one without objects too


def test_what_cannot_be_named_so_is_one_sentence(grouped, tmp_path):
    found, groups = grouped
    with pytest.raises(OutputError, match="holds no groups; name a folder"):
        convert(found, out=tmp_path / "out", groups=found, formats=FORMATS)
    named(groups, ["a: b", "cat", "cat"])
    convert(found, out=tmp_path / "yolo", groups=groups, formats=FormatConfig(format=("yolo",)))
    assert '  0: "a: b"\n  1: cat\n' in (tmp_path / "yolo/yolo/data.yaml").read_text()
    with pytest.raises(OutputError, match="cannot name a class 'a: b'"):
        convert(found, out=tmp_path / "voc", groups=groups, formats=FormatConfig(format=("voc",)))
    with pytest.raises(OutputError, match=r"groups was .* and is now absent"):
        convert(found, out=tmp_path / "yolo", formats=FormatConfig(format=("yolo",)))


def test_groups_of_other_objects_are_refused(grouped, tmp_path, photo_paths):
    _, groups = grouped
    results = ResultFolder(
        tmp_path / "found", photo_paths[:1], {"model": "other"}, overlays=False, masks=False
    )
    discoverer = slotlight.load("centre-box")
    list(results.take(discover_entries(discoverer, results.left, results.pictures, batch_size=1, seed=0)))
    results.finish()
    results.close()
    with pytest.raises(OutputError, match="holds groups of other objects"):
        convert(tmp_path / "found", out=tmp_path / "out", groups=groups, formats=FORMATS)
