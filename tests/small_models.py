"""Small models to write as graphs, and photographs to try them on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import save_file
from skimage import data
from skimage.transform import resize as rescale

from slotlight.backbones import load_chosen
from slotlight.config import (
    DecoderConfig,
    HeuristicsConfig,
    ModelConfig,
    SlotConfig,
    preset,
)
from slotlight.discovery.discoverer import Discoverer
from slotlight.images import fit_size, resize, to_batch
from slotlight.loading import load
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model

SIZES = [(375, 500), (500, 375), (64, 96), (33, 31), (256, 256), (120, 900), (900, 90), (480, 641)]


PARITY = 1e-4


def photographs() -> Iterator[np.ndarray]:
    """Crops of real photographs, each brought to a size."""
    sources = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    for number, size in enumerate(SIZES):
        source = sources[number % 4]
        crop = source[number * 5 :, number * 7 :]
        yield np.rint(rescale(crop, size, anti_aliasing=True) * 255).astype(np.uint8)


def by_torch(segmenter: ModelSegmenter, image: np.ndarray) -> list[np.ndarray]:
    """What `discover` finds: masks, scores, groups and segments."""
    size = fit_size(*image.shape[:2], segmenter.image_size, segmenter.patch_size)
    found = segmenter.segment(to_batch([resize(image, size)]))
    slots = [found.masks[0].numpy(), found.scores[0].numpy(), found.group_of[0].numpy()]
    return [*slots, Discoverer(segmenter).discover(image).segments]


def assert_equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    masks, scores, groups, segments = found
    assert np.abs(masks - expected[0]).max() <= PARITY
    assert np.abs(scores - expected[1]).max() <= PARITY
    assert np.array_equal(groups, expected[2])
    assert (segments != expected[3]).mean() <= 1e-3  # where two slots are equally strong, rounding decides


def small_model(config: ModelConfig, folder: Path, name: str = "vit_tiny_patch16_224") -> ModelSegmenter:
    """A model of random weights, on the first block of a random ViT."""
    torch.manual_seed(0)
    save_file(timm.create_model(name, num_classes=0, depth=2).state_dict(), folder / "vit.safetensors")
    chosen = replace(config.backbone, name=name, weights=folder / "vit.safetensors", layer=1)
    backbone = load_chosen(chosen)
    side = chosen.image_size // backbone.patch_size
    model = build_slot_model(replace(config, backbone=chosen), backbone.dim, (side, side))
    return ModelSegmenter("small", backbone, model)


def paper_like(folder: Path) -> ModelSegmenter:
    """The paper's model in small: keys, masks of the decoder, no heuristic."""
    small = SlotConfig(projection_hidden=16, mlp_hidden=16)
    return small_model(replace(preset("paper")[0], slots=small, decoder=DecoderConfig(hidden=16)), folder)


def partition_like(folder: Path) -> ModelSegmenter:
    """The preset ``partition`` in small: slots that begin in patches, patches whose side 4 does not divide."""
    heuristics = HeuristicsConfig(refine=True, merge_background=True, group_within=0.05, min_contrast=0.05)
    decoder = DecoderConfig(hidden=16, layers=2)
    config = replace(preset("partition")[0], decoder=decoder, heuristics=heuristics)
    return small_model(config, folder, "vit_small_patch14_dinov2")


def embedded(_: Path) -> ModelSegmenter:
    segmenter = load(device="cpu").segmenter
    assert isinstance(segmenter, ModelSegmenter)
    return segmenter
