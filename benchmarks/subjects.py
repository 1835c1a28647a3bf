"""What is timed: the paper's sizes on a ViT-S/16 of random weights, and photographs as JPEG files."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import timm
import torch
from PIL import Image
from torch import nn

from slotlight.backbones import Backbone
from slotlight.config import DecoderConfig, MaskSource, ModelConfig, Precision
from slotlight.discovery.samples import sample_photographs
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import SlotModel, build_slot_model

SIDE, GRID, DIM = 320, (20, 20), 384  # the paper's
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def vit() -> nn.Module:
    """DINO's architecture; speed does not depend on the weights."""
    network: nn.Module = timm.create_model(
        "vit_small_patch16_224.dino", pretrained=False, num_classes=0, dynamic_img_size=True
    )
    return network


def backbone() -> Backbone:
    """The same, cut off after the last block's keys."""
    return Backbone("dino-vits16, random weights", vit()).to(DEVICE)


def slot_model(*, masks_from: MaskSource = "decoder", decoder: DecoderConfig | None = None) -> SlotModel:
    """8 heads of 7 slots, decoder 3 x 1024, unless another is asked for."""
    torch.manual_seed(0)
    config = ModelConfig(decoder=decoder or DecoderConfig(), masks_from=masks_from)
    return build_slot_model(config, DIM, GRID).to(DEVICE)


def segmenter(
    masks_from: MaskSource = "decoder",
    decoder: DecoderConfig | None = None,
    *,
    precision: Precision = "fp32",
) -> ModelSegmenter:
    """The whole model."""
    model = slot_model(masks_from=masks_from, decoder=decoder)
    return ModelSegmenter("bench", backbone(), model, precision=precision)


@cache
def photographs(count: int = 32) -> tuple[Path, ...]:
    """Copies of scikit-image's photographs as JPEG files of 500 x 375 pixels, VOC's usual size."""
    folder = Path(mkdtemp(prefix="slotlight-bench-"))
    pictures = [Image.open(path).convert("RGB").resize((500, 375)) for path in sample_photographs()]
    paths = tuple(folder / f"{number:03}.jpg" for number in range(count))
    for number, path in enumerate(paths):
        pictures[number % len(pictures)].save(path, quality=85)
    return paths
