"""Models of one domain each, on photographs of all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from slotlight.datasets import SyntheticDataset, VOCDataset
from slotlight.datasets.voc import CLASSES
from slotlight.errors import ConfigError
from slotlight.studies import STUDIES
from slotlight.studies.declaration import Measure
from slotlight.studies.domains import by_group, groups_of, read_domains
from slotlight.studies.options import StudyOptions
from slotlight.studies.run import study
from slotlight.studies.scenes import drawn_photographs
from slotlight.studies.shift import SHIFT
from tiny_study import SHORT
from tiny_training import tiny_model

OBJECTS = (("dog",), ("cat", "cow"), ("person",), ("dog", "person"), ("sofa",))


@pytest.fixture
def voc(tmp_path: Path) -> VOCDataset:
    """A photograph each of two animals, of a person, of both, and of a sofa."""
    root = tmp_path / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for number, names in enumerate(OBJECTS):
        picture = SyntheticDataset(height=64, width=64)[number].read_image()
        classes = np.zeros((64, 64), np.uint8)
        for place, name in enumerate(names):
            classes[8:40, 30 * place + 2 : 30 * place + 28] = CLASSES.index(name) + 1
        classes[60:] = 255
        Image.fromarray(picture).save(root / f"JPEGImages/{number}.jpg")
        Image.fromarray(classes).save(root / f"SegmentationClass/{number}.png")
    (root / "ImageSets/Segmentation/all.txt").write_text("\n".join(map(str, range(len(OBJECTS)))))
    return VOCDataset(root, "all")


def test_a_photograph_is_of_the_group_of_all_its_objects(voc: VOCDataset) -> None:
    groups = {"animals": {0, 1}, "people": {2}, "vehicles": set(), "indoor": {4}}
    assert groups_of(voc, None) == groups
    assert groups_of(voc, 2) == {**dict.fromkeys(groups, frozenset()), "animals": {0, 1}}
    measures = by_group(Measure("paper", "mBO"), voc, None)
    assert [measure.name for measure in measures] == ["mBO, animals", "mBO, people", "mBO, indoor"]
    assert by_group(Measure("paper", "mBO"), SyntheticDataset(count=2), None) == ()


def test_domains_are_named_folders_of_a_study_that_takes_them(tmp_path: Path) -> None:
    drawn_photographs(tmp_path / "scenes", 1)
    scenes = f"scenes={tmp_path / 'scenes'}"
    assert read_domains(SHIFT, []) == {}
    for given, fault in (
        ([scenes], "give two at least"),
        ([scenes, scenes], "a name of its own"),
        ([scenes, "people"], "give each as NAME=FOLDER"),
    ):
        with pytest.raises(ConfigError, match=fault):
            read_domains(SHIFT, given)
    with pytest.raises(ConfigError, match="'masking' does not use domains"):
        read_domains(STUDIES["masking"], [scenes])


@pytest.mark.slow
def test_each_domain_trains_a_model_and_all_are_measured_alike(
    voc: VOCDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(SHIFT.of(arm for arm in SHIFT.arms if arm.name in ("clean", "noise 3")), name="small")
    monkeypatch.setitem(STUDIES, "small", small)
    torch.manual_seed(0)
    save_file(
        timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(),
        weights := tmp_path / "vit.safetensors",
    )
    scenes = drawn_photographs(tmp_path / "scenes", 4)
    for number, name in enumerate(("one", "one", "two", "two")):
        (tmp_path / name).mkdir(exist_ok=True)
        scenes[number].rename(tmp_path / name / scenes[number].name)
    result = study(
        "small",
        data=voc,
        out=tmp_path / "out",
        model=tiny_model(weights),
        training=SHORT,
        options=StudyOptions(seeds=2, domains=(f"one={tmp_path / 'one'}", f"two={tmp_path / 'two'}")),
        device=torch.device("cpu"),
    )
    assert [arm.name for arm in result.arms] == ["clean", "noise 3", "trained on one", "trained on two"]
    trained = {
        path.name: (path / "slots.safetensors").read_bytes()
        for path in (tmp_path / "out/trainings").iterdir()
    }
    assert len(set(trained.values())) == len(trained) == 6
    values = result.row("trained on one")
    assert np.isnan(values.values["mBO, people"][:, 0]).tolist() == [[place != 2 for place in range(5)]] * 2
    assert np.array_equal(values.means("mBO, people"), values.values["mBO"][:, 0, 2])
    floors = {row.name for row in result.rows if row.is_floor}
    assert {name.partition("@")[0] for name in floors} == {"kmeans-features", "tokencut"}
    assert {name.partition(", ")[2] for name in floors} == {"clean", "noise 3"}
    pairs = {(c.contrast.arm, c.contrast.against) for c in result.comparisons if c.measure == "mBO, animals"}
    assert {("trained on one", "clean"), ("trained on one", "trained on two")} <= pairs
    text = (tmp_path / "out/report.md").read_text()
    assert "trained on one changes mBO, animals by" in text
    assert "domains: one (2 photographs), two (2 photographs)" in text
