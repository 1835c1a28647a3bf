import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import slotlight
from slotlight.backbones import load_backbone
from slotlight.detector.checkpoint import load_detector, save_detector
from slotlight.detector.network import build_detector
from slotlight.errors import CheckpointError
from slotlight.files import sealed, write_text
from tiny_distilling import DETECTOR


def test_damaged_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = copy / "detector.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        slotlight.load(copy)


@pytest.mark.parametrize("has_own_backbone", [True, False])
def test_a_backbone_is_kept_where_it_has_learned(tmp_path: Path, has_own_backbone: bool) -> None:
    torch.manual_seed(0)
    network = build_detector(load_backbone("embedded").extract.network, DETECTOR)
    save_detector(tmp_path, network, DETECTOR, {}, has_own_backbone=has_own_backbone)
    read = load_file(tmp_path / "detector.safetensors")
    assert any(key.startswith("backbone.network") for key in read) == has_own_backbone
    loaded = load_detector(tmp_path).network.state_dict()
    for key, value in network.state_dict().items():
        shared = key.startswith("backbone.network") and not has_own_backbone
        assert torch.equal(loaded[key], value if shared else value.half().float()), key


def test_another_backbone_is_refused(tmp_path: Path) -> None:
    network = build_detector(load_backbone("embedded").extract.network, DETECTOR)
    save_detector(tmp_path, network, DETECTOR, {}, has_own_backbone=False)
    path = tmp_path / "config.json"
    written = json.loads(path.read_text())
    del written["digest"]
    write_text(path, [sealed(written | {"backbone": "another"})])
    with pytest.raises(CheckpointError, match="another backbone"):
        slotlight.load(tmp_path)
