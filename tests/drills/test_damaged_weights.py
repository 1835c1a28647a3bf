"""Damaged files of weights: each is loaded or refused in a sentence, and none runs code."""

import io
import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from damage import Drill, mutated
from random_vits import small_vit
from slotlight.backbones.weights import fill, read_weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def saved(state: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["safetensors", "pytorch", "pickle"])
def test_weights(tmp_path: Path, drill: Drill, rng: random.Random, kind: str) -> None:
    network = small_vit(depth=1, embed_dim=12, img_size=32)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    contents = {
        "safetensors": save(state),
        "pytorch": saved({"teacher": {f"backbone.{key}": value for key, value in state.items()}, "epoch": 3}),
        "pickle": pickle.dumps({key: value.numpy() for key, value in state.items()}),
    }
    path = tmp_path / "w.bin"
    for _ in range(1000):
        path.write_bytes(mutated(contents[kind], rng.choice(list(contents.values())), rng))
        drill.attempt(lambda: fill(network, read_weights(path), path), kind, path)
    drill.check(1000)
