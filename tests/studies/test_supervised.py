"""The study of labels: what learned from them is marked everywhere, and they reach nothing else."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from slotlight.datasets import LabelKind, Labels, Sample, SyntheticDataset
from slotlight.errors import ConfigError, OutputError
from slotlight.files import digest
from slotlight.studies import STUDIES
from slotlight.studies.declaration import Arm, Measure
from slotlight.studies.options import StudyOptions
from slotlight.studies.result import StudyResult
from slotlight.studies.run import study
from slotlight.studies.supervised import LINEAR, SLOTS, SUPERVISED, TORCHVISION
from tiny_study import SHORT
from tiny_training import tiny_model


@dataclass(frozen=True)
class Relabelled(SyntheticDataset):
    """Scenes in which the labels that teach, those of every fifth, are others."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        if index % 5:
            return sample
        return replace(
            sample,
            read_labels=lambda kinds: _reversed(sample.read_labels(kinds)),
            identity=lambda: digest(sample.identity(), "other labels"),
        )


def _reversed(labels: Labels) -> Labels:
    assert labels.classes is not None
    return replace(labels, classes=np.where(labels.classes > 0, 0, 3).astype(np.uint8))


SMALL = replace(
    SUPERVISED.of(arm for arm in SUPERVISED.arms if arm.name in (SLOTS, LINEAR, TORCHVISION)),
    name="small",
    measures=(Measure("paper", "mBO"),),
    floors=("kmeans-features",),
)
SCENES = SyntheticDataset(count=6, height=64, width=64, label_kinds=frozenset({LabelKind.CLASSES}))
OTHERS = Relabelled(count=6, height=64, width=64, label_kinds=frozenset({LabelKind.CLASSES}))


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, photo_paths: list[Path]
) -> Iterator[Callable[..., StudyResult]]:
    monkeypatch = pytest.MonkeyPatch()
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(), weights)

    def run(out: Path, dataset: SyntheticDataset, name: str = "small", **options: str) -> StudyResult:
        monkeypatch.setitem(STUDIES, "small", SMALL)
        return study(
            name,
            photo_paths,
            dataset,
            out=out,
            model=tiny_model(weights),
            training=SHORT,
            options=StudyOptions(seeds=1, **options),  # type: ignore[arg-type]
            device=torch.device("cpu"),
        )

    yield run
    monkeypatch.undo()


@pytest.fixture(scope="module")
def whole(
    run: Callable[..., StudyResult], tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyResult, Path]:
    out = tmp_path_factory.mktemp("study") / "one"
    return run(out, SCENES), out


def test_labels_reach_what_is_marked_and_nothing_else(
    run: Callable[..., StudyResult], whole: tuple[StudyResult, Path], tmp_path: Path
) -> None:
    result, one = whole
    other = run(tmp_path / "other", OTHERS)
    names = sorted(
        path.relative_to(one)
        for what in ("slots", "head")
        for path in one.glob(f"trainings/*/{what}.safetensors")
    )
    assert [name.name for name in names] == ["head.safetensors", "slots.safetensors"]
    for name in names:
        same = (one / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
        assert same == ("supervised" not in str(name)), name
    for row, again in zip(result.rows, other.rows, strict=True):
        same = np.array_equal(row.values["mBO"], again.values["mBO"])
        assert same == (not row.is_supervised), row.name
    assert result.photographs == tuple(SCENES[place].id for place in (1, 2, 3, 4))


def test_rows_are_marked_wherever_they_appear(whole: tuple[StudyResult, Path]) -> None:
    result, out = whole
    assert {row.name: row.is_supervised for row in result.arms} == {SLOTS: False, LINEAR: True}
    content = json.loads((out / "report.json").read_text())
    marked = {row["name"] for row in content["rows"] if row["is_supervised"]}
    assert marked == {LINEAR}
    assert marked < {line["arm"] for line in csv.DictReader((out / "per_image.csv").open())}
    page, text = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert page.count('<span class="tag">supervised</span>') == 1
    assert page.count('<rect class="mean"') == 1
    for shown in (page, text):
        assert shown.count("linear head") == shown.count(LINEAR) > 0
        assert f"{TORCHVISION}: it needs the weights of a detector" in shown
        assert "class masks of 2 photographs (synthetic, every fifth of all), measured nowhere" in shown


@pytest.mark.slow
def test_the_same_study_again_changes_no_byte_and_other_labels_are_refused(
    run: Callable[..., StudyResult], whole: tuple[StudyResult, Path]
) -> None:
    out = whole[1]
    before = (out / "report.json").read_bytes()
    head = out / "trainings/linear-head-supervised-seed-0"
    weights = (head / "head.safetensors").read_bytes()
    (head / "config.json").unlink()  # as if it had been killed
    run(out, SCENES)
    assert (out / "report.json").read_bytes() == before
    assert (head / "head.safetensors").read_bytes() == weights
    with pytest.raises(OutputError, match="labels was"):
        run(out, OTHERS)


def test_an_arm_that_learns_from_labels_says_so_in_its_name() -> None:
    with pytest.raises(ConfigError, match="must be called supervised"):
        Arm("linear head", learner="linear")
    with pytest.raises(ConfigError, match="must be called supervised"):
        Arm("slots (supervised)")


def test_a_detector_is_refused_where_none_is_asked_about(
    run: Callable[..., StudyResult], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="'masking' does not use a detector; leave --detector out"):
        run(tmp_path / "out", SCENES, "masking", detector="weights.pth")


@pytest.mark.slow
def test_a_detector_stands_beside_the_heads(run: Callable[..., StudyResult], tmp_path: Path) -> None:
    network = get_model("maskrcnn_resnet50_fpn", weights=None, weights_backbone=None, num_classes=2)
    file = tmp_path / "detector.pth"
    torch.save(network.state_dict(), file)
    result = run(tmp_path / "out", SCENES, detector=str(file))
    row = result.row(TORCHVISION)
    assert row.is_supervised
    assert row.values["mBO"].shape == (1, 1, 4)
    assert not result.left_out
    assert result.row(TORCHVISION).means("mBO").shape == (1,)
