"""Fixtures that several tests share: where golden values and real data lie, real photographs to use."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]

# A shell's background job ignores Ctrl-C, and so would all that the tests start; they are about what it does.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _folder(variable: str, default: str) -> Path:
    folder = Path(os.environ.get(variable, ROOT / default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set {variable} to the folder")
    return folder


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Arrays made by independent implementations."""
    return _folder("SLOTLIGHT_GOLDEN", "../shared/golden")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real photographs with labels: ``VOCdevkit/`` and, unlabelled, ``photos/``."""
    return _folder("SLOTLIGHT_DATA", "../shared/data")


@pytest.fixture(scope="session")
def photo_paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four real photographs as JPEG files."""
    from skimage import data

    folder = tmp_path_factory.mktemp("photographs")
    paths = []
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        paths.append(folder / f"{name}.jpg")
        Image.fromarray(getattr(data, name)()).save(paths[-1], quality=90)
    return paths


@pytest.fixture(scope="session")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three trainings of one model, and one of another."""
    import timm
    import torch
    from safetensors.torch import save_file

    from slotlight.backbones import load_backbone
    from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, SlotConfig
    from slotlight.model.checkpoint import save_model
    from slotlight.model.slot_model import build_slot_model

    name = "vit_tiny_patch16_224"
    home = tmp_path_factory.mktemp("trainings")
    torch.manual_seed(0)
    save_file(timm.create_model(name, num_classes=0).state_dict(), home / "vit.safetensors")
    chosen = BackboneConfig(name=name, weights=home / "vit.safetensors", layer=0, image_size=64)
    config = ModelConfig(
        backbone=chosen,
        slots=SlotConfig(heads=2, slots=3, projection_hidden=8, mlp_hidden=8),
        decoder=DecoderConfig(hidden=8),
        masks_from="attention",
    )
    backbone = load_backbone(name, weights=chosen.weights, layer=0)
    for number, settings in enumerate((config, config, config, replace(config, fusion="greedy"))):
        torch.manual_seed(number)
        save_model(home / f"mine-{number}", build_slot_model(settings, backbone.dim, (4, 4)), backbone)
    return [home / f"mine-{number}" for number in range(4)]
