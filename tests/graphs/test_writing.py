"""An exported graph finds what the model finds, in ONNX Runtime and in torch, in photographs of many sizes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from slotlight.config import (
    BackboneConfig,
    DecoderConfig,
    SlotConfig,
    preset,
)
from slotlight.errors import ConfigError
from slotlight.graphs.running import OUTPUTS, open_graph
from slotlight.graphs.writing import export_model
from slotlight.loading import load
from slotlight.model.checkpoint import save_model
from slotlight.model.segmenter import ModelSegmenter
from small_models import (
    assert_equal,
    by_torch,
    embedded,
    paper_like,
    partition_like,
    photographs,
    small_model,
)


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


@pytest.mark.parametrize("make", [embedded, pytest.param(partition_like, marks=pytest.mark.slow)])
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
    with pytest.raises(ConfigError, match="cannot match 9 slots exactly"):
        export_model(small_model(replace(config, slots=small), tmp_path), out)
    coarse = small_model(replace(config, backbone=BackboneConfig(image_size=64)), tmp_path)
    with pytest.raises(ConfigError, match="too few patches"):
        export_model(coarse, out)
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is not overwritten"):
        export_model(paper_like(tmp_path), out)
    assert out.read_text() == "mine"
