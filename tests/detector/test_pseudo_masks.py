from pathlib import Path

import numpy as np
import pytest

from slotlight import load
from slotlight.config import ObjectRule
from slotlight.detector.pseudo_masks import PseudoMasks, find_pseudo_masks
from slotlight.errors import CheckpointError, ConfigError
from slotlight.formats.run_lengths import RunLengths


def regions(*boxes: tuple[int, int, int, int]) -> tuple[RunLengths, ...]:
    masks = np.zeros((len(boxes), 40, 50), bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    return RunLengths.encode(masks)


def test_the_best_and_surest_are_kept() -> None:
    found = PseudoMasks(
        Path("a.jpg"), regions((0, 0, 9, 9), (9, 9, 20, 20), (20, 20, 30, 30)), (0.9, 0.5, 0.1)
    )
    assert found.sure(0.2, 5).scores == (0.9, 0.5)
    assert found.sure(0.0, 1).scores == (0.9,)


def test_old_regions_stay_unless_a_new_one_explains_them() -> None:
    new = PseudoMasks(Path("a.jpg"), regions((0, 0, 20, 20)), (0.8,))
    old = PseudoMasks(Path("a.jpg"), regions((1, 1, 20, 20), (30, 20, 50, 40)), (0.6, 0.3))
    assert new.joined(old, 0.5).scores == (0.8, 0.3)


def test_a_folder_is_read_again_instead_of_found_again(
    discs: list[PseudoMasks], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [one.path for one in discs[:2]]
    teacher = load("voting", rule=ObjectRule(proposals=True, max_objects=3))
    found = find_pseudo_masks([*files, tmp_path / "gone.jpg"], tmp_path, teacher)
    assert "Left out: " in caplog.text
    assert "gone.jpg cannot be read" in caplog.text
    assert [one.path for one in found] == files
    best = found[0].decode()[0]
    disc = discs[0].decode()[0]
    assert (best & disc).sum() / (best | disc).sum() > 0.6
    block = next(tmp_path.iterdir())
    before = block.stat().st_mtime_ns
    assert find_pseudo_masks(files, tmp_path, teacher) == found
    assert block.stat().st_mtime_ns == before
    block.write_text("[{]")
    with pytest.raises(CheckpointError, match="delete it"):
        find_pseudo_masks(files, tmp_path, teacher)


def test_a_teacher_without_proposals_is_refused(discs: list[PseudoMasks], tmp_path: Path) -> None:
    teacher = load("centre-box", rule=ObjectRule(proposals=True))
    with pytest.raises(ConfigError, match="makes no proposals"):
        find_pseudo_masks([discs[0].path], tmp_path, teacher)
