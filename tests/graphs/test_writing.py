"""An exported graph finds what the model finds, in ONNX Runtime and in torch, in photographs of many sizes."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from skimage import data
from skimage.transform import resize as rescale

from slotlight.backbones import load_chosen
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
from slotlight.model.checkpoint import save_model
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


def test_the_whole_model_is_the_discoverers_path(tmp_path: Path) -> None:
    segmenter = embedded(tmp_path)
    model = WholeModel(segmenter, seed=0)
    for image in list(photographs())[2:4]:
        with torch.inference_mode():
            found = [part.numpy() for part in model(torch.from_numpy(image))]
        for one, other in zip(found, by_torch(segmenter, image), strict=True):
            np.testing.assert_array_equal(one, other)


def exported(segmenter: ModelSegmenter, out: Path, kind: str = "onnx", *, int8: bool = False) -> Path:
    """Export in a process of its own: the checks of shapes in the tests want numbers where tracing has symbols."""
    model = "embedded"
    if segmenter.name != model:
        model = str(out.parent / "model")
        save_model(Path(model), segmenter.model, segmenter.backbone)
    command = [sys.executable, "-m", "slotlight", "export", model, "--out", str(out), "--format", kind]
    command += ["--int8"] if int8 else []
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{out}: ")
    return out


@pytest.mark.slow
@pytest.mark.parametrize("make", [embedded, paper_like, partition_like])
def test_onnx_runtime_finds_the_same(make, tmp_path: Path) -> None:
    segmenter = make(tmp_path)
    session, settings, _ = open_graph(exported(segmenter, tmp_path / "model.onnx"))
    assert settings.fingerprint == segmenter.fingerprint()
    for image in photographs():
        assert_equal(session.run(list(OUTPUTS), {"image": image}), by_torch(segmenter, image))


@pytest.mark.slow
@pytest.mark.parametrize("make", [embedded, partition_like])
def test_torch_finds_the_same_without_slotlight(make, tmp_path: Path) -> None:
    segmenter = make(tmp_path)
    model = torch.export.load(exported(segmenter, tmp_path / "model.pt2", "torch")).module()
    for image in photographs():
        found = [part.numpy() for part in model(torch.from_numpy(image))]
        assert_equal(found, by_torch(segmenter, image))


@pytest.mark.slow
def test_eight_bits_find_nearly_the_same_in_a_file_much_smaller(tmp_path: Path) -> None:
    segmenter = embedded(tmp_path)
    whole = exported(segmenter, tmp_path / "whole.onnx")
    small = exported(segmenter, tmp_path / "small.onnx", int8=True)
    assert small.stat().st_size < 0.4 * whole.stat().st_size
    for image in photographs():
        ours, theirs = (load(file).discover(image).masks.any(axis=0) for file in (small, whole))
        assert (ours != theirs).mean() < 0.05


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    with pytest.raises(ConfigError, match="is not a slot model"):
        export_model(load("centre-box").segmenter, out)
    config = replace(preset("paper")[0], decoder=DecoderConfig(hidden=8))
    small = SlotConfig(heads=2, slots=9, projection_hidden=8, mlp_hidden=8)
    with pytest.raises(ConfigError, match="matching of 9 slots has no exact form"):
        export_model(small_model(replace(config, slots=small), tmp_path), out)
    coarse = small_model(replace(config, backbone=BackboneConfig(image_size=64)), tmp_path)
    with pytest.raises(ConfigError, match="too few patches"):
        export_model(coarse, out)
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is not written over"):
        export_model(paper_like(tmp_path), out)
    assert out.read_text() == "mine"
