"""Several trainings of one model as one row."""

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

import slotlight
from slotlight.backbones import load_backbone
from slotlight.baselines.segmenters import FeatureSegmenter
from slotlight.cli.evaluation import run_evaluation
from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, SlotConfig
from slotlight.datasets import DatasetSource
from slotlight.errors import ConfigError
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.trainings import load_trainings
from slotlight.model.checkpoint import save_model
from slotlight.model.slot_model import build_slot_model

NAME = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three trainings of one model, and one of another."""
    home = tmp_path_factory.mktemp("trainings")
    torch.manual_seed(0)
    save_file(timm.create_model(NAME, num_classes=0).state_dict(), home / "vit.safetensors")
    chosen = BackboneConfig(name=NAME, weights=home / "vit.safetensors", layer=0, image_size=64)
    config = ModelConfig(
        backbone=chosen,
        slots=SlotConfig(heads=2, slots=3, projection_hidden=8, mlp_hidden=8),
        decoder=DecoderConfig(hidden=8),
        masks_from="attention",
    )
    backbone = load_backbone(NAME, weights=chosen.weights, layer=0)
    for number, settings in enumerate((config, config, config, replace(config, fusion="greedy"))):
        torch.manual_seed(number)
        save_model(home / f"mine-{number}", build_slot_model(settings, backbone.dim, (4, 4)), backbone)
    return [home / f"mine-{number}" for number in range(4)]


def test_each_seed_is_a_training(folders: list[Path]) -> None:
    row = load_trainings(folders[:3])
    assert row.name == "mine"
    assert [control.name for control in row.controls()] == ["mine-kmeans", "mine-spectral", "mine-untrained"]
    image = torch.rand(1, 3, 64, 64)
    found = [row.segment(image, seed=seed).masks for seed in range(3)]
    for seed, folder in enumerate(folders[:3]):
        assert torch.equal(
            found[seed], slotlight.load(folder, device="cpu").segmenter.segment(image, seed=seed).masks
        )
    assert not torch.equal(found[0], found[1])


def test_other_settings_are_another_model(folders: list[Path]) -> None:
    with pytest.raises(ConfigError, match="not of the same model: they differ in their settings"):
        load_trainings(folders)


def test_one_row_from_the_command_line(folders: list[Path], tmp_path: Path) -> None:
    name = ",".join(str(folder) for folder in folders[:2])
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


def test_a_method_reads_a_models_features(folders: list[Path]) -> None:
    segmenter = slotlight.load(f"tokencut@{folders[0]}", device="cpu").segmenter
    assert isinstance(segmenter, FeatureSegmenter)
    assert segmenter.backbone.fingerprint() == load_trainings(folders[:1]).backbone.fingerprint()
