"""Photographs in which there is nothing to find."""

from pathlib import Path

import numpy as np
import pytest
import torch

import slotlight
from slotlight.config import HeuristicsConfig, preset
from slotlight.model.evidence import shows_something

LIMITS = preset("embedded")[0].heuristics


def plain(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    gradient = np.linspace(100, 140, 400)[None, :, None]
    pictures = {
        "white": np.full((300, 400, 3), 255),
        "black": np.zeros((300, 400, 3)),
        "noise": rng.integers(0, 255, (300, 400, 3)),
        "faint noise": 128 + 10 * rng.standard_normal((300, 400, 3)),
        "sky": np.broadcast_to(gradient, (300, 400, 3)),
    }
    return pictures[kind].clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["white", "black", "noise", "faint noise", "sky"])
def test_nothing_is_made_up(kind: str) -> None:
    assert len(slotlight.load(device="cpu").discover(plain(kind))) == 0


def test_real_photographs_show_something(photo_paths: list[Path]) -> None:
    found = slotlight.load(device="cpu").discover(photo_paths)
    assert all(len(one) for one in found)


def test_an_image_does_not_depend_on_its_batch_and_tiny_ones_have_an_answer() -> None:
    images = torch.rand(4, 3, 40, 56).square()
    together = shows_something(images, LIMITS)
    assert together.tolist() == [bool(shows_something(image[None], LIMITS)) for image in images]
    assert shows_something(torch.rand(2, 3, 1, 1), LIMITS).shape == (2,)
    assert shows_something(torch.zeros(2, 3, 16, 16), HeuristicsConfig()).all()  # off by default
