"""The study of methods, every arm trained and read once."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from slotlight.studies.methods import METHODS
from slotlight.studies.options import StudyOptions
from slotlight.studies.run import study
from tiny_study import SCENES, SHORT
from tiny_training import tiny_model


@pytest.mark.slow
def test_every_method_is_trained_and_stands_beside_the_others(
    photo_paths: list[Path], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(), weights)
    result = study(
        "methods",
        photo_paths,
        SCENES,
        out=tmp_path / "study",
        model=tiny_model(weights),
        training=SHORT,
        options=StudyOptions(seeds=1),
        device=torch.device("cpu"),
    )
    names = {row.name for row in result.rows}
    assert {arm.name for arm in METHODS.arms} | {"tokencut", "maskcut"} <= names
    trained = {path.parent.name for path in tmp_path.glob("study/trainings/*/slots.safetensors")}
    assert len(trained) == len(METHODS.arms) + 2
    assert "distilled-masks-spot-seed-0-first" in trained
    assert (tmp_path / "study/report.html").is_file()
