from pathlib import Path

import pytest
import torch

from random_vits import small_vit
from slotlight.backbones import Backbone
from slotlight.errors import SlotlightError
from slotlight.features.cache import cache_features
from slotlight.features.live import LiveFeatures

SIDE = 32


def backbone() -> Backbone:
    return Backbone("small", small_vit())


def live(photographs: list[Path]) -> LiveFeatures:
    return LiveFeatures(photographs, backbone(), "fp32", (2, 2), SIDE)


def test_they_are_those_of_a_cache(photo_paths: list[Path], tmp_path: Path) -> None:
    cached = cache_features(photo_paths, tmp_path, backbone(), image_size=SIDE).dataset()
    computed, order = live(photo_paths).dataset(), [[2, 0], [3, 1], [0, 0]]
    assert len(computed) == len(cached) == 4
    for found, expected in zip(computed.batches(order), cached.batches(order), strict=True):
        torch.testing.assert_close(
            found, expected, atol=2e-3, rtol=2e-3
        )  # batches of other sizes round otherwise


def test_the_next_photograph_stands_in_for_one_that_cannot_be_read(
    photo_paths: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photograph")
    rows = live([photo_paths[0], broken, photo_paths[1]]).dataset()
    found = rows.__getitems__([1, 2, 1])
    assert torch.equal(found[0], found[1])
    assert caplog.text.count("broken.jpg is not an image") == 1
    with pytest.raises(SlotlightError, match=r"2 photographs in a row cannot be read, from .*broken.jpg on"):
        live([broken, broken]).dataset().__getitems__([0])
