"""Equal time: steps by what a step takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from slotlight.config import ModelConfig, SlotConfig, TrainConfig
from slotlight.errors import OutputError
from slotlight.studies.declaration import Arm
from slotlight.studies.pace import PACES, in_equal_time, kept_paces
from slotlight.studies.plan import as_trained, plan


def cheap(model: ModelConfig) -> ModelConfig:
    return replace(model, slots=SlotConfig(heads=2))


def taught(model: ModelConfig) -> ModelConfig:
    return replace(model, objective="distillation")


def test_steps_times_pace_is_the_same_for_all() -> None:
    arms = (Arm("base"), Arm("cheap", cheap), Arm("two stages", taught, first=cheap))
    base = as_trained(ModelConfig())
    readings = plan(arms, ModelConfig(), TrainConfig(steps=120), 1)
    models = [stage.model for reading in readings for stage in reading.training.stages]
    paces = dict(zip(models, (0.3, 0.1, 0.1, 0.4), strict=True))
    one, two, three = (reading.training for reading in in_equal_time(readings, base, paces))
    assert (one.training.steps, two.training.steps) == (120, 360)
    assert [stage.training.steps for stage in three.stages] == [180, 45]
    assert three.first is not None
    assert three.first.folder == "two-stages-seed-0-first"


def test_paces_are_measured_once(tmp_path: Path) -> None:
    models = [ModelConfig(), cheap(ModelConfig())]
    first = kept_paces(tmp_path, models[:1], lambda _: 0.25)
    assert kept_paces(tmp_path, models, lambda _: 7.0) == {**first, models[1]: 7.0}
    (tmp_path / PACES).write_text("[")
    with pytest.raises(OutputError, match="is damaged"):
        kept_paces(tmp_path, models, lambda _: 1.0)
