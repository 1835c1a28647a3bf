import numpy as np
import pytest
import torch

from slotlight.evaluation.protocols.box_overlap import box_overlaps


def test_each_annotated_box_has_its_best_overlap_and_its_share_of_the_photograph() -> None:
    found = torch.tensor([[[0.0, 0, 10, 10], [0.0, 0, 10, 5]]]).double()
    annotated = torch.tensor([[[0.0, 0, 10, 5], [20.0, 20, 30, 30]]]).double()
    overlaps = box_overlaps(found, annotated, np.zeros((40, 50, 3), np.uint8))
    assert overlaps.overlaps == (1, 0)
    assert overlaps.sizes == pytest.approx((50 / 2000, 100 / 2000))
