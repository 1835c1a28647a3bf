"""Whole studies, tiny: on drawn scenes, with a ViT of random weights."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from scipy import stats

from slotlight.config import TrainConfig
from slotlight.datasets import FolderDataset
from slotlight.errors import ConfigError, DatasetError, OutputError
from slotlight.files import MARKER
from slotlight.studies import STUDIES
from slotlight.studies.options import StudyOptions
from slotlight.studies.result import StudyResult
from slotlight.studies.run import study
from tiny_study import SCENES, TINY, run_tiny
from tiny_training import TRAIN, tiny_model

REPORTS = ("report.html", "report.md", "report.json", "per_image.csv")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(), file)
    return file


@pytest.fixture(scope="module")
def tiny(
    weights: Path, photo_paths: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyResult, Path]:
    """Two arms trained three times, and one that reads the second's trainings."""
    out = tmp_path_factory.mktemp("study") / "tiny"
    return run_tiny(out, weights, photo_paths), out


def read_values(out: Path, measure: str) -> dict[str, np.ndarray]:
    """Each row's values, (training, photograph), from the file that the study wrote."""
    found: dict[str, dict[int, list[float]]] = {}
    for line in csv.DictReader((out / "per_image.csv").open()):
        found.setdefault(line["arm"], {}).setdefault(int(line["training"]), []).append(float(line[measure]))
    return {arm: np.array([*trainings.values()]) for arm, trainings in found.items()}


def test_arms_that_only_read_share_a_training(tiny: tuple[StudyResult, Path]) -> None:
    result, out = tiny
    assert sorted(path.name for path in (out / "trainings").iterdir()) == [
        *(f"one-head-seed-{seed}" for seed in range(3)),
        *(f"three-heads-seed-{seed}" for seed in range(3)),
    ]
    read, shared = (result.row(name).values["mBO"] for name in ("one of three heads", "three heads"))
    assert not np.array_equal(read, shared)


def test_the_numbers_are_those_of_the_values_that_were_written(tiny: tuple[StudyResult, Path]) -> None:
    _, out = tiny
    content, values = json.loads((out / "report.json").read_text()), read_values(out, "mBO")
    assert [row["name"] for row in content["rows"]] == list(values)
    for row in content["rows"]:
        found = next(e for e in row["estimates"] if e["metric"] == "mBO")
        assert found["mean"] == pytest.approx(values[row["name"]].mean())
        if not row["is_floor"]:
            assert found["seed_deviation"] == pytest.approx(values[row["name"]].mean(1).std(ddof=1))
    test = content["comparisons"][0]["test"]
    first, second = values["three heads"].mean(1), values["one head"].mean(1)
    assert test["difference"] == pytest.approx(first.mean() - second.mean())
    assert test["deviation"] == pytest.approx((first - second).std(ddof=1))
    if test["deviation"]:  # else t is not defined, and the arms are equal
        assert test["p_trainings"] == pytest.approx(stats.ttest_rel(first, second).pvalue)
    groups = [values[arm.name].mean(1) for arm in TINY.arms]
    assert content["spread_p_values"]["mBO"] == pytest.approx(stats.levene(*groups, center="median").pvalue)


def test_the_page_has_the_answer_and_needs_no_network(tiny: tuple[StudyResult, Path]) -> None:
    page = (tiny[1] / "report.html").read_text()
    for expected in (TINY.question, "three heads changes mBO by", "Brown–Forsythe", "kmeans-features@"):
        assert expected in page
    assert "http" not in page.replace("data:image/webp;base64", "")
    assert "<script" not in page
    assert page.count("<svg") == 2
    assert "(quick)" not in page


def test_the_same_study_again_changes_no_byte(
    tiny: tuple[StudyResult, Path], weights: Path, photo_paths: list[Path]
) -> None:
    out = tiny[1]
    before = {name: (out / name).read_bytes() for name in REPORTS}
    run_tiny(out, weights, photo_paths)
    assert {name: (out / name).read_bytes() for name in REPORTS} == before


def test_another_study_in_the_folder_is_refused(
    tiny: tuple[StudyResult, Path], weights: Path, photo_paths: list[Path]
) -> None:
    with pytest.raises(OutputError, match="study was tiny and is now masking"):
        study("masking", photo_paths, SCENES, out=tiny[1], model=tiny_model(weights), training=TRAIN)


def test_what_cannot_work_is_said_before_anything_is_written(
    weights: Path, photo_paths: list[Path], tmp_path: Path
) -> None:
    out, model = tmp_path / "out", tiny_model(weights)
    unlabelled = FolderDataset(photo_paths[0].parent)
    with pytest.raises(DatasetError, match="has no labels that this study can measure on"):
        study("masking", photo_paths, unlabelled, out=out, model=model)
    with pytest.raises(ConfigError, match="one device"):
        study("masking", photo_paths, SCENES, out=out, model=model, training=TrainConfig(devices=2))
    with pytest.raises(ConfigError, match="seeds is 0"):
        StudyOptions(seeds=0)
    assert not out.exists()


@pytest.mark.slow
def test_quick_draws_its_own_photographs_and_says_so(weights: Path, tmp_path: Path) -> None:
    options, training = StudyOptions(quick=True, seeds=1, limit=2), replace(TRAIN, steps=3)
    result = study(
        "shift", data=SCENES, out=tmp_path, model=tiny_model(weights), training=training, options=options
    )
    assert len(list((tmp_path / "photographs").glob("scene-1-*.png"))) == 96
    assert [arm.name for arm in result.arms] == list(STUDIES["shift"].quick)
    floors = {c.contrast.arm.partition("@")[0] for c in result.comparisons if c.is_floor}
    assert floors == {"kmeans-features", "tokencut"}
    headings = [line for line in (tmp_path / "report.html").read_text().splitlines() if "<h2>" in line]
    assert sum("shift (quick)" in line for line in headings) == len(headings) - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "shift"])
def test_every_study_answers(name: str, weights: Path, photo_paths: list[Path], tmp_path: Path) -> None:
    options, training = StudyOptions(quick=True, seeds=2), replace(TRAIN, steps=2)
    result = study(
        name, photo_paths, SCENES, out=tmp_path, model=tiny_model(weights), training=training, options=options
    )
    assert {"whole-image", "slots-untrained", "slots-kmeans"} <= {
        row.name for row in result.rows if row.is_floor
    }
    assert all((tmp_path / report).stat().st_size for report in REPORTS)


_SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from slotlight.evaluation.store import Shard
    from slotlight.features import cache
    from slotlight.studies import write
    from slotlight.training import loop
    from tiny_study import run_tiny

    homes = {"features": (cache, "_record"), "states": (loop, "save_state"),
             "values": (Shard, "write"), "reports": (write, "write_text")}
    out, weights, moment, *photographs = sys.argv[1:]
    home, name = homes[moment]
    kept, calls = getattr(home, name), []

    def kill(*arguments, **named):
        kept(*arguments, **named)
        calls.append(1)
        if len(calls) == {"features": 1, "states": 3, "values": 3, "reports": 1}[moment]:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(home, name, kill)
    run_tiny(Path(out), Path(weights), [Path(photograph) for photograph in photographs])
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["features", "states", "values", "reports"])
def test_a_kill_at_any_moment_changes_no_byte(
    moment: str, tiny: tuple[StudyResult, Path], weights: Path, photo_paths: list[Path], tmp_path: Path
) -> None:
    whole, killed = tiny[1], tmp_path / "killed"
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", textwrap.dedent(_SCRIPT), killed, weights, moment, *photo_paths]
    status = subprocess.run(
        list(map(str, command)), env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True
    ).returncode
    assert status == -signal.SIGKILL
    assert (killed / MARKER).is_file()
    assert not (killed / "report.html").exists()
    run_tiny(killed, weights, photo_paths)
    for name in (
        *REPORTS,
        *(file.relative_to(whole) for file in whole.glob("trainings/*/slots.safetensors")),
    ):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
