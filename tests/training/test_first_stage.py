"""Trainings that begin with a model trained before."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from slotlight.config import ModelConfig, SlotConfig
from slotlight.errors import OutputError, TrainingError
from slotlight.model.checkpoint import load_model
from slotlight.training.train import train
from tiny_training import TRAIN

CPU = torch.device("cpu")
SHORT = replace(TRAIN, steps=2)


def test_a_student_learns_a_teachers_masks_and_goes_on_with_the_same_alone(
    photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
) -> None:
    config = replace(model_config, objective="distillation")
    second = replace(SHORT, first_stage=whole)
    out = train(photo_paths, tmp_path / "student", config, second, device=CPU, cache=whole / "features")
    assert load_model(out).model.config.objective == "distillation"
    again = train(photo_paths, out, config, second, device=CPU, cache=whole / "features")  # it is finished
    assert again == out
    moved = whole.parent / "elsewhere"
    if not moved.exists():
        moved.symlink_to(whole)
    train(photo_paths, out, config, replace(SHORT, first_stage=moved), device=CPU, cache=whole / "features")
    with pytest.raises(OutputError, match="first_stage"):
        train(photo_paths, out, config, replace(SHORT, first_stage=out), device=CPU, cache=whole / "features")


def test_only_the_alignment_of_heads_is_learned(
    photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
) -> None:
    config = replace(model_config, objective="alignment", fusion="learned")
    second = replace(SHORT, first_stage=whole)
    out = train(photo_paths, tmp_path / "aligned", config, second, device=CPU, cache=whole / "features")
    first, found = (load_file(folder / "slots.safetensors") for folder in (whole, out))
    assert all(torch.equal(found[name], value) for name, value in first.items())
    assert {name.split(".")[0] for name in found.keys() - first.keys()} == {"alignment"}
    assert found["alignment.gate"] != 0
    masks = load_model(out).segment(torch.rand(1, 3, 48, 80)).masks
    torch.testing.assert_close(masks.sum(1), torch.ones(1, 3, 5))


@pytest.mark.parametrize(
    ("changes", "named", "says"),
    [
        ({}, True, "'reconstruction' has no first stage; leave --first-stage out"),
        (
            {"objective": "distillation"},
            False,
            "needs a trained first stage; pass its folder as --first-stage",
        ),
        (
            {"objective": "distillation", "slots": SlotConfig(slots=3)},
            True,
            "has 4 slots, too many to teach 3; train with --slots 4 or more",
        ),
        (
            {"objective": "alignment", "fusion": "learned", "standardise": True},
            True,
            "has another standardise; pass the settings it was trained with",
        ),
    ],
)
def test_a_first_stage_that_does_not_fit(
    photo_paths: list[Path],
    model_config: ModelConfig,
    whole: Path,
    tmp_path: Path,
    changes: dict[str, object],
    named: bool,
    says: str,
) -> None:
    config = replace(model_config, **changes)
    training = replace(SHORT, first_stage=whole if named else None)
    with pytest.raises(TrainingError, match=says):
        train(photo_paths, tmp_path / "run", config, training, device=CPU, cache=whole / "features")
    assert not (tmp_path / "run").exists()
