"""Models that cost nothing, and photographs of which some cannot be measured."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import FolderDataset, SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from thirds import Thirds


@pytest.fixture(scope="module")
def scenes() -> SyntheticDataset:
    return SyntheticDataset(count=6, height=48, width=64)


@pytest.fixture
def models() -> list[Discoverer]:
    return [Discoverer(Thirds("steady", 0)), Discoverer(Thirds("shaky", 0.4))]


@pytest.fixture
def faulty(tmp_path: Path) -> FolderDataset:
    """Four photographs; the second's mask is missing, the third's has another size, the fourth is no image."""
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    photographs.mkdir()
    masks.mkdir()
    mask = np.zeros((32, 48), np.uint8)
    mask[8:20, 10:30] = 255
    for name in "abcd":
        Image.fromarray(np.full((32, 48, 3), 90, np.uint8)).save(photographs / f"{name}.png")
        Image.fromarray(mask if name != "c" else mask[:, 1:]).save(masks / f"{name}.png")
    (masks / "b.png").unlink()
    (photographs / "d.png").write_text("no image")
    return FolderDataset(photographs, masks)
