"""Floors that look at nothing."""

import pytest
import torch

from slotlight.baselines import build_baseline
from slotlight.baselines.floors import tile_map


def test_the_centre_box_is_the_middle_three_quarters() -> None:
    found = build_baseline("centre-box").segment(torch.rand(2, 3, 80, 160))
    assert found.scores.tolist() == [[1, 0]] * 2
    box = torch.zeros(80, 160)
    box[10:70, 20:140] = 1
    assert torch.equal(found.masks[1, 0], box)


@pytest.mark.parametrize(
    ("num_tiles", "height", "width"), [(1, 3, 5), (4, 8, 8), (7, 12 * 7, 12 * 7), (6, 12, 12)]
)
def test_tiles_are_of_equal_area(num_tiles: int, height: int, width: int) -> None:
    areas = tile_map(height, width, num_tiles).flatten().bincount(minlength=num_tiles)
    assert areas.tolist() == [height * width // num_tiles] * num_tiles


def test_the_central_tile_scores_highest() -> None:
    found = build_baseline("tiles").segment(torch.rand(2, 3, 80, 160))
    assert found.masks[0, found.scores[0].argmax(), 40, 80] == 1
