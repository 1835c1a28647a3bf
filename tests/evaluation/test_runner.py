"""One model over photographs of which some cannot be measured."""

from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from slotlight.baselines import build_baseline
from slotlight.datasets import Dataset, FolderDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError, ImageError
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate
from slotlight.report.terminal import print_tables
from thirds import SKIP


def test_what_draws_nothing_is_measured_once(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(build_baseline(name)) for name in ("tiles", "kmeans-colour")]
    table = evaluate(models, scenes, ["corloc"], out=tmp_path, options=EvaluationOptions(seeds=3)).tables[0]
    assert table.seeds == 3
    assert [row.estimates[0].seed_deviation is None for row in table.rows] == [True, False]
    assert [len(list((tmp_path / "images/corloc" / m.name).iterdir())) for m in models] == [1, 3]


def test_faults_are_skipped_and_listed_when_asked(
    faulty: FolderDataset, models: list[Discoverer], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    report = evaluate(models, faulty, ["saliency"], out=out, options=SKIP)
    causes = report.tables[0].skipped
    assert report.tables[0].images == 1
    assert ["b.png is missing" in causes[0], "47×32" in causes[1], "d.png" in causes[2]] == [True] * 3
    console = Console(record=True, width=160, file=(tmp_path / "log").open("w"))
    print_tables(report.tables, console)
    assert console.export_text().count("left out:") == 3
    assert evaluate(models, faulty, ["saliency"], out=out, options=SKIP).tables == report.tables


def test_the_first_fault_stops_the_run_otherwise(
    faulty: FolderDataset, models: list[Discoverer], tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=r"b\.png is missing"):
        evaluate(models, faulty, ["saliency"], out=tmp_path / "out")
    Image.new("L", (48, 32)).save(tmp_path / "masks" / "b.png")
    Image.new("L", (48, 32)).save(tmp_path / "masks" / "c.png")
    with pytest.raises(ImageError, match=r"d\.png"):
        evaluate(models, faulty, ["saliency"], out=tmp_path / "out")
