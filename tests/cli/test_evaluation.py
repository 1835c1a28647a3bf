"""What `slotlight evaluate` does once its options are read."""

from pathlib import Path

import pytest

from slotlight.cli.evaluation import run_evaluation
from slotlight.datasets import DatasetSource
from slotlight.errors import ConfigError, UnknownNameError
from slotlight.evaluation.options import EvaluationOptions


def test_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, few = DatasetSource("synthetic"), EvaluationOptions(limit=3)
    report = run_evaluation(["centre-box"], ["corloc"], source, few, out=tmp_path, device="cpu")
    assert [row.is_floor for row in report.tables[0].rows] == [False, True, True, True]
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {
        "report.json",
        "report.md",
        "report.html",
        "per_image",
        "images",
    }
    assert "CorLoc-1" in capsys.readouterr().out
    alone = run_evaluation(["centre-box"], ["corloc"], source, few, out=tmp_path, device="cpu", floors=False)
    assert [row.model for row in alone.tables[0].rows] == ["centre-box"]
    assert alone.tables[0].rows[0].estimates == report.tables[0].rows[0].estimates


def test_command_refuses_wrong_use_at_once(tmp_path: Path) -> None:
    source = DatasetSource("synthetic")
    with pytest.raises(UnknownNameError):
        run_evaluation(["centre-box"], ["corlock"], source, out=tmp_path)
    with pytest.raises(ConfigError, match="devices"):
        run_evaluation(["centre-box"], ["corloc"], source, out=tmp_path, devices=0)
    assert not list(tmp_path.iterdir())


def test_one_row_from_the_command_line(trainings: list[Path], tmp_path: Path) -> None:
    name = ",".join(str(folder) for folder in trainings[:2])
    source, out = DatasetSource("synthetic"), tmp_path / "evaluation"
    with pytest.raises(ConfigError, match="2 trainings need as many seeds, one for each; pass --seeds 2"):
        run_evaluation(
            [name], ["corloc"], source, EvaluationOptions(limit=2), out=out, floors=False, device="cpu"
        )
    options = EvaluationOptions(limit=2, seeds=2)
    found = run_evaluation([name], ["corloc"], source, options, out=out, floors=False, device="cpu")
    [row] = found.tables[0].rows
    assert row.model == "mine"
    assert row.estimates[0].seed_deviation is not None
