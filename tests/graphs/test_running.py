"""An ONNX file finds objects, without torch; what is none of Slotlight's is one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from red_graph import red_graph, write_red_graph
from slotlight.config import ObjectRule
from slotlight.errors import CheckpointError, ConfigError
from slotlight.graphs.running import GraphDiscoverer, open_graph
from slotlight.graphs.settings import SHA256, UNKNOWN, with_hash
from slotlight.loading import load

_WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "timm", "lightning", "safetensors", "huggingface_hub"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from slotlight.__main__ import main
main()
"""


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return write_red_graph(tmp_path)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    pixels = np.full((50, 80, 3), 30, np.uint8)
    pixels[10:30, 20:60, 0] = 250
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_command_needs_no_torch(graph: Path, photograph: Path, tmp_path: Path) -> None:
    command = ["discover", str(photograph), "--model", str(graph), "--out", str(tmp_path / "out")]
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH, *command], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "out/objects.json").read_text())
    assert [annotation["bbox"] for annotation in found["annotations"]] == [[20, 10, 40, 20]]
    assert found["info"]["model"] == "red.onnx"
    assert (tmp_path / "out/overlays").is_dir()


def test_in_python_it_is_a_discoverer_like_others(graph: Path, photograph: Path) -> None:
    discoverer = load(graph)
    found = discoverer.discover([photograph, np.zeros((9, 7, 3), np.uint8)])
    assert [one.boxes_xyxy.tolist() for one in found] == [[[20, 10, 60, 30]], []]
    assert found[0].scores.tolist() == [pytest.approx(0.9)]
    assert discoverer.fingerprint() == load(graph).fingerprint()


def test_what_it_cannot_do_is_refused(graph: Path, photograph: Path) -> None:
    with pytest.raises(ConfigError, match="was drawn with the seed 0, not 7"):
        load(graph).discover(photograph, seed=7)
    with pytest.raises(ConfigError, match="leave --proposals out"):
        load(graph, rule=ObjectRule(proposals=True))
    with pytest.raises(ConfigError, match="does not use precision"):
        load(graph, precision="bf16")
    with pytest.raises(ConfigError, match="only finds objects"):
        _ = load(graph).segmenter


def test_files_that_are_none(tmp_path: Path) -> None:
    whole = red_graph()
    damaged = bytearray(whole)
    damaged[60] ^= 1
    junk = b"\x0a\x10" + SHA256.encode() + b"\x12\x40" + UNKNOWN.encode() + b"junk"
    for content, says in [
        (None, "There is no ONNX file"),
        (b"", "is not an ONNX file that Slotlight wrote"),
        (b"\x08\x0aanother's", "is not an ONNX file that Slotlight wrote"),
        (whole[: len(whole) // 2], "is not an ONNX file that Slotlight wrote, or is truncated"),
        (bytes(damaged), "is damaged; copy it again"),
        (with_hash(junk), "cannot be run by this ONNX Runtime"),
        (red_graph('{"format": 99}'), "was not written by this version of Slotlight"),
        (red_graph(reads="pixels"), "was not written by this version of Slotlight"),
    ]:
        file = tmp_path / "model.onnx"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CheckpointError, match=says) as caught:
            open_graph(file)
        assert "\n" not in str(caught.value)


def test_without_onnx_runtime(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'slotlight\[onnx\]'"):
        GraphDiscoverer(graph)
