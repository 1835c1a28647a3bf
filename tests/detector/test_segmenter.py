from pathlib import Path

import pytest

import slotlight
from slotlight.detector.pseudo_masks import PseudoMasks


def test_the_folder_is_a_model(folder: Path, discs: list[PseudoMasks]) -> None:
    discoverer = slotlight.load(folder, device="cpu")
    found = discoverer.discover([one.path for one in discs[:2]])
    again = discoverer.discover(discs[1].path)
    assert found[1].scores.tolist() == pytest.approx(again.scores.tolist(), abs=1e-4)
    overlap = found[0].masks.sum(axis=0, dtype=int)
    assert overlap.max(initial=0) <= 1
