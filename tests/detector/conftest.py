"""Photographs of discs, each with its region."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.formats.run_lengths import RunLengths
from tiny_distilling import distil_tiny


def draw_photograph(path: Path, seed: int) -> tuple[Path, np.ndarray]:
    """A textured ground with one bright disc, and the disc's mask."""
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(60, 110, (12, 16, 3), dtype=np.uint8)).resize((160, 120))
    x, y, r = (int(rng.integers(*ends)) for ends in ((50, 110), (45, 75), (20, 35)))
    ImageDraw.Draw(ground).ellipse((x - r, y - r, x + r, y + r), fill=(230, 180, 40))
    shape = Image.new("1", ground.size)
    ImageDraw.Draw(shape).ellipse((x - r, y - r, x + r, y + r), fill=1)
    ground.save(path, quality=95)
    return path, np.array(shape)


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> list[PseudoMasks]:
    """Photographs of discs, each with its disc as region."""
    folder = tmp_path_factory.mktemp("discs")
    found = []
    for number in range(6):
        path, mask = draw_photograph(folder / f"{number}.jpg", number)
        found.append(PseudoMasks(path, RunLengths.encode(mask[None]), (0.9,)))
    return found


@pytest.fixture(scope="session")
def folder(discs: list[PseudoMasks], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that learnt from them."""
    return distil_tiny(discs, tmp_path_factory.mktemp("distil") / "run")
