"""A model to train, and a run of it that nothing disturbed."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from slotlight.config import ModelConfig
from slotlight.training.train import train
from tiny_training import TRAIN, tiny_model


@pytest.fixture(scope="session")
def model_config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(), weights)
    return tiny_model(weights)


@pytest.fixture(scope="session")
def whole(
    photo_paths: list[Path], model_config: ModelConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return train(photo_paths, out, model_config, TRAIN, device=torch.device("cpu"))
