"""Damaged models, states and records: refused in a sentence, done again, or as written; never other numbers."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from damage import Drill, mutated
from slotlight.backbones import load_backbone
from slotlight.config import EMBEDDED, preset
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.record import Entry
from slotlight.discovery.results import ResultFolder
from slotlight.evaluation.identity import PhotographKey
from slotlight.evaluation.measured import Measured, ObjectOverlaps
from slotlight.evaluation.store import Shard
from slotlight.features.cache import cache_features
from slotlight.files import begin_run
from slotlight.model.checkpoint import load_model, save_model
from slotlight.model.slot_model import build_slot_model
from slotlight.training.state import load_state, save_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MUTANTS = 1000


def damage(path: Path, use: Callable[[], object], drill: Drill, rng: random.Random) -> None:
    """Use a file, damaged in a thousand ways; what comes out is what comes out of the whole file, or nothing."""
    content, expected = path.read_bytes(), use()

    def same() -> None:
        assert use() == expected, "other numbers, without a word"

    for _ in range(MUTANTS):
        path.write_bytes(mutated(content, content, rng))
        drill.attempt(same, path.name)
    path.write_bytes(content)
    drill.check(MUTANTS)


@pytest.mark.parametrize("file", ["config.json", "slots.safetensors"])
def test_models(tmp_path: Path, drill: Drill, rng: random.Random, file: str) -> None:
    backbone = load_backbone(EMBEDDED)
    model, _ = preset(EMBEDDED)
    torch.manual_seed(0)
    save_model(tmp_path, build_slot_model(model, backbone.dim, (4, 4)), backbone, {"photographs": 3})
    damage(tmp_path / file, lambda: load_model(tmp_path, backbone=backbone).fingerprint(), drill, rng)


def test_training_states(tmp_path: Path, drill: Drill, rng: random.Random) -> None:
    network = torch.nn.Linear(5, 3)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 5)).sum().backward()
    optimizer.step()
    path = tmp_path / "state.safetensors"
    save_state(path, 7, "a run", network, optimizer)

    def read() -> object:
        state = load_state(path)
        state.restore(network, optimizer)
        return state.step, state.run, {name: tensor.tolist() for name, tensor in state.tensors.items()}

    damage(path, read, drill, rng)


def begin(folder: Path, identity: dict[str, object]) -> None:
    with begin_run(folder, identity, outputs=["masks"]):
        pass


def test_identities(tmp_path: Path, drill: Drill, rng: random.Random) -> None:
    identity = {"model": "embedded", "seed": 0, "rule": {"min_score": 0.5}}
    begin(tmp_path, identity)
    (tmp_path / "masks").mkdir()
    damage(
        tmp_path / ".slotlight",
        lambda: begin(tmp_path, identity),
        drill,
        rng,
    )
    path, content = tmp_path / ".slotlight", (tmp_path / ".slotlight").read_bytes()
    for _ in range(MUTANTS):  # another run never goes on in the folder, whatever became of the identity
        path.write_bytes(mutated(content, content, rng))
        drill.attempt(
            lambda: begin(tmp_path, {"seed": 1}),
            "another run",
            tmp_path / "masks/x",
        )
    assert drill.read <= MUTANTS


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.new("RGB", (16, 12), (80 * number, 9, 99)).save(path)
    return paths


def found(entry: Entry) -> Discovery:
    masks = np.zeros((1, 12, 16), bool)
    masks[0, 2:7, 3:9] = True
    image = np.asarray(Image.open(entry.file))
    boxes, scores = np.array([[3, 2, 9, 7]], np.float32), np.array([0.7], np.float32)
    return Discovery(image, masks[0].astype(np.uint8), masks, boxes, scores, Path(entry.file), entry)


def test_records_of_discover(
    tmp_path: Path, photographs: list[Path], drill: Drill, rng: random.Random
) -> None:
    out = tmp_path / "out"

    def run() -> Any:
        folder = ResultFolder(out, photographs, {"model": "x"}, overlays=False)
        try:
            for _ in folder.take(folder.pictures.write(found(entry)) for entry in folder.left):
                pass
            folder.finish()
        finally:
            folder.close()
        return json.loads((out / "objects.json").read_text())

    run()
    damage(out / ".progress.jsonl", run, drill, rng)


@pytest.mark.parametrize("file", ["cache.json", "progress-0000000.json"])
def test_feature_caches(
    tmp_path: Path, photographs: list[Path], drill: Drill, rng: random.Random, file: str
) -> None:
    backbone = load_backbone(EMBEDDED)

    def run() -> bytes:
        return cache_features(photographs, tmp_path / "caches", backbone, image_size=32).file.read_bytes()

    run()
    damage(next((tmp_path / "caches").glob(f"*/{file}")), run, drill, rng)


def test_records_of_evaluate(tmp_path: Path, drill: Drill, rng: random.Random) -> None:
    keys = [PhotographKey(str(number), f"labels {number}") for number in range(3)]
    measured = Measured({"mIoU": 0.25}, ObjectOverlaps((0.5, 0.75), (0.1, 0.2)), None, ())
    shard = Shard(tmp_path, "seed-0", 0)
    for key in keys:
        shard.write(key, measured)
    shard.leave_out(PhotographKey("9", "gone"), "It cannot be read.")
    shard.close()

    def read() -> bool:
        kept = Shard(tmp_path, "seed-0", 0)
        return all(kept.find(key) in (None, measured) for key in keys)

    damage(shard.path, read, drill, rng)
