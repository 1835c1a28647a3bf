"""Caches of a tiny backbone's features."""

from pathlib import Path

import timm
import torch

from slotlight.backbones import Backbone
from slotlight.features.cache import cache_features
from slotlight.features.dataset import FeatureCache

SIDE = 32


def tiny_backbone(seed: int = 0, layer: int = -1) -> Backbone:
    torch.manual_seed(seed)
    vit = timm.create_model("vit_tiny_patch16_224", depth=2, num_classes=0, dynamic_img_size=True)
    return Backbone("tiny", vit, layer=layer)


def build(photographs: list[Path], folder: Path, backbone: Backbone | None = None) -> FeatureCache:
    return cache_features(photographs, folder, backbone or tiny_backbone(), image_size=SIDE, batch_size=2)
