"""Photographs in which there is nothing to find."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import slotlight
from slotlight.config import HeuristicsConfig, preset
from slotlight.images import to_batch
from slotlight.model.evidence import evidence

LIMITS = preset("embedded")[0].heuristics


def plain(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    down, across = np.meshgrid(np.linspace(-0.5, 0.5, 300), np.linspace(-0.5, 0.5, 400), indexing="ij")
    gradient = np.linspace(100, 140, 400)[None, :, None]
    pictures = {
        "white": np.full((300, 400, 3), 255),
        "black": np.zeros((300, 400, 3)),
        "noise": rng.integers(0, 255, (300, 400, 3)),
        "faint noise": 128 + 10 * rng.standard_normal((300, 400, 3)),
        "sky": np.broadcast_to(gradient, (300, 400, 3)),
        "darker corners": np.repeat(200 - 120 * (across**2 + down**2)[..., None], 3, axis=2),
    }
    return pictures[kind].clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["white", "black", "noise", "faint noise", "sky", "darker corners"])
def test_nothing_is_made_up(kind: str) -> None:
    assert len(slotlight.load(device="cpu").discover(plain(kind))) == 0


def test_real_photographs_show_something(photo_paths: list[Path]) -> None:
    found = slotlight.load(device="cpu").discover(photo_paths)
    assert all(len(one) for one in found)


def test_an_image_does_not_depend_on_its_batch_and_tiny_ones_have_an_answer() -> None:
    images = torch.rand(4, 3, 40, 56).square()
    together = evidence(images, LIMITS)
    torch.testing.assert_close(together, torch.cat([evidence(image[None], LIMITS) for image in images]))
    assert evidence(torch.rand(2, 3, 1, 1), LIMITS).shape == (2,)
    assert (evidence(torch.zeros(2, 3, 16, 16), HeuristicsConfig()) == 1).all()  # off by default


def test_a_page_of_text_gives_little_evidence_and_a_photograph_all_of_it(photo_paths: list[Path]) -> None:
    page = Image.new("RGB", (400, 300), (250, 248, 240))
    draw = ImageDraw.Draw(page)
    for top in range(15, 280, 12):
        draw.text((15, top), "the quick brown fox jumps over the lazy dog " * 2, fill=(20, 20, 20))
    pictures = [page, *(Image.open(path).convert("RGB") for path in photo_paths)]
    shown = [evidence(to_batch([np.asarray(one.resize((256, 192)))]), LIMITS).item() for one in pictures]
    assert shown[0] < 0.5
    assert shown[1:] == [1.0] * len(photo_paths)
