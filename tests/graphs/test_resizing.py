"""Products with matrices give torch's own levels, bit for bit."""

import numpy as np
import pytest
import torch

from slotlight.graphs.resizing import resize_exactly
from slotlight.images import fit_size, resize


def pictures(height: int, width: int) -> list[np.ndarray]:
    draw = np.random.default_rng(height * 10_000 + width)
    noise = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return [
        noise,
        np.where(noise > 127, 255, 0).astype(np.uint8),
    ]  # edges overshoot, and are cut off at 0 and 255


@pytest.mark.parametrize("patch", [8, 14, 16])
@pytest.mark.parametrize(
    "size", [(1, 1), (2, 900), (256, 256), (375, 500), (333, 211), (64, 96), (1201, 1600)]
)
def test_levels_are_torchs(size: tuple[int, int], patch: int) -> None:
    rows, columns = fit_size(*size, image_size=256, patch_size=patch)
    for picture in pictures(*size):
        found = resize_exactly(torch.from_numpy(picture), rows, columns).permute(1, 2, 0).numpy()
        assert np.array_equal(found, resize(picture, (rows, columns)))
