"""An exported graph finds what the model finds, in ONNX Runtime and in torch, in photographs of many sizes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from skimage import data
from skimage.transform import resize as rescale

from slotlight.backbones import Backbone
from slotlight.config import (
    BackboneConfig,
    DecoderConfig,
    HeuristicsConfig,
    ModelConfig,
    SlotConfig,
    preset,
)
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ConfigError
from slotlight.graphs.running import OUTPUTS, open_graph
from slotlight.graphs.whole import WholeModel
from slotlight.graphs.writing import export_model
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


def small_model(config: ModelConfig, **vit: object) -> ModelSegmenter:
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", depth=2, num_classes=0, dynamic_img_size=True, **vit)
    backbone = Backbone("random", network, facet=config.backbone.facet, layer=-1)
    side = config.backbone.image_size // backbone.patch_size
    return ModelSegmenter("small", backbone, build_slot_model(config, backbone.dim, (side, side)))


def paper_like() -> ModelSegmenter:
    """The paper's model in small: keys, masks of the decoder, no heuristic."""
    small = SlotConfig(projection_hidden=16, mlp_hidden=16)
    return small_model(replace(preset("paper")[0], slots=small, decoder=DecoderConfig(hidden=16)))


def partition_like() -> ModelSegmenter:
    """The preset ``partition`` in small: slots that begin in patches, patches whose side 4 does not divide."""
    config = preset("partition")[0]
    heuristics = HeuristicsConfig(refine=True, merge_background=True, group_within=0.05, min_contrast=0.05)
    config = replace(
        config,
        backbone=BackboneConfig(name="random", facet="token", image_size=224),
        decoder=DecoderConfig(hidden=16, layers=2),
        heuristics=heuristics,
    )
    return small_model(config, patch_size=14)


def embedded() -> ModelSegmenter:
    segmenter = load(device="cpu").segmenter
    assert isinstance(segmenter, ModelSegmenter)
    return segmenter


def test_the_whole_model_is_the_discoverers_path() -> None:
    segmenter = embedded()
    model = WholeModel(segmenter, seed=0)
    for image in list(photographs())[2:4]:
        with torch.inference_mode():
            found = [part.numpy() for part in model(torch.from_numpy(image))]
        for one, other in zip(found, by_torch(segmenter, image), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("make", [embedded, paper_like, partition_like])
def test_onnx_runtime_finds_the_same(make, tmp_path: Path) -> None:
    segmenter = make()
    export_model(segmenter, tmp_path / "model.onnx")
    session, settings, _ = open_graph(tmp_path / "model.onnx")
    assert settings.fingerprint == segmenter.fingerprint()
    for image in photographs():
        assert_equal(session.run(list(OUTPUTS), {"image": image}), by_torch(segmenter, image))


@pytest.mark.slow
def test_torch_finds_the_same_without_slotlight(tmp_path: Path) -> None:
    segmenter = embedded()
    export_model(segmenter, tmp_path / "model.pt2", "torch")
    model = torch.export.load(tmp_path / "model.pt2").module()
    for image in photographs():
        found = [part.numpy() for part in model(torch.from_numpy(image))]
        assert_equal(found, by_torch(segmenter, image))


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    with pytest.raises(ConfigError, match="is not a slot model"):
        export_model(load("centre-box").segmenter, out)
    config = replace(preset("paper")[0], decoder=DecoderConfig(hidden=8))
    small = SlotConfig(heads=2, slots=9, projection_hidden=8, mlp_hidden=8)
    with pytest.raises(ConfigError, match="matching of 9 slots has no exact form"):
        export_model(small_model(replace(config, slots=small)), out)
    coarse = small_model(replace(config, backbone=BackboneConfig(name="random", image_size=64)))
    with pytest.raises(ConfigError, match="too few patches"):
        export_model(coarse, out)
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is not written over"):
        export_model(paper_like(), out)
    assert out.read_text() == "mine"
