"""Kept values are used again and no others: a kill, another model, other scenes, other code."""

from pathlib import Path

import pytest

from slotlight.datasets import Dataset, SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate
from thirds import EVERY, TWO_SEEDS, Thirds


def forbidden(*_: object) -> None:
    raise AssertionError("a photograph is measured again")


def test_a_split_within_another_is_not_measured_again(
    models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, part = (SyntheticDataset(count=count, height=48, width=64) for count in (6, 4))
    evaluate(models, whole, ["paper"], out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", forbidden)
    assert evaluate(models, part, ["paper"], out=tmp_path).tables[0].images == 4


def test_values_of_other_code_are_measured_again(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    monkeypatch.setattr("slotlight.evaluation.identity.code_fingerprint", lambda: "other")
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    assert len(list((tmp_path / "images" / "paper" / "steady").iterdir())) == 2


def test_a_killed_run_resumes_to_the_same_report(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    arguments = {"options": TWO_SEEDS, "command": "x"}
    evaluate(models, scenes, EVERY, out=tmp_path / "whole", **arguments)
    fewer = EvaluationOptions(seeds=2, limit=5)
    evaluate(models[:1], scenes, EVERY[2:], out=tmp_path / "killed", options=fewer)
    for number, shard in enumerate(sorted((tmp_path / "killed" / "images").rglob("*.jsonl"))):
        text = shard.read_bytes()
        shard.write_bytes(text[: len(text) - 7 - 11 * number])  # a kill in the middle of a line
    evaluate(models, scenes, EVERY, out=tmp_path / "killed", **arguments)
    for name in ("report.json", "per_image/paper.csv", "per_image/instances.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_is_measured_is_not_measured_again(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(models, scenes, EVERY, out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", forbidden)
    assert repr(evaluate(models, scenes, EVERY, out=tmp_path).tables) == repr(first.tables)  # NaN is not NaN


def test_another_model_of_the_same_name_is_measured_afresh(scenes: Dataset, tmp_path: Path) -> None:
    straight, slanted = Discoverer(Thirds("same", 0)), Discoverer(Thirds("same", 0.6))
    first = evaluate([straight], scenes, ["paper"], out=tmp_path)
    second = evaluate([slanted], scenes, ["paper"], out=tmp_path)
    assert first.tables[0].rows != second.tables[0].rows


def test_other_scenes_of_the_same_name_are_measured_afresh(models: list[Discoverer], tmp_path: Path) -> None:
    large, small = (SyntheticDataset(count=2, height=48, width=64, radius=(r, r)) for r in (0.3, 0.1))
    first, second = (evaluate(models[:1], scenes, ["paper"], out=tmp_path) for scenes in (large, small))
    assert first.tables[0].rows != second.tables[0].rows
