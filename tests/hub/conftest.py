"""A hub on this machine, and a model that was trained on a backbone of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from hub_server import TOKEN, Hub, serving
from slotlight.backbones import load_backbone
from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, SlotConfig
from slotlight.model.checkpoint import save_model
from slotlight.model.slot_model import build_slot_model

NAME = "vit_tiny_patch16_224"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A running hub, to which one is logged in, and an empty cache."""
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield running


@pytest.fixture(scope="session")
def own_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose backbone's weights lie in a file beside it."""
    folder = tmp_path_factory.mktemp("own")
    weights = folder / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model(NAME, num_classes=0, depth=1).state_dict(), weights)
    chosen = BackboneConfig(name=NAME, weights=weights, layer=0, image_size=128)
    config = ModelConfig(
        backbone=chosen,
        slots=SlotConfig(heads=2, slots=3, projection_hidden=8, mlp_hidden=8),
        decoder=DecoderConfig(hidden=8),
        masks_from="attention",
    )
    backbone = load_backbone(NAME, weights=weights, layer=0)
    model = build_slot_model(replace(config, backbone=chosen), backbone.dim, (8, 8))
    save_model(folder / "model", model, backbone, {"photographs": 12, "train": {"steps": 3, "batch_size": 2}})
    return folder / "model"
