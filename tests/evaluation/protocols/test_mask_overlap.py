import pytest
import torch

from slotlight.evaluation.protocols.mask_overlap import mask_overlaps
from slotlight.metrics import confusion_matrix


def test_each_label_but_the_background_has_its_best_overlap_and_its_share_of_the_photograph() -> None:
    slots = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 2]]])
    labels = torch.tensor([[[0, 0, 3, 3], [0, 0, 3, 255]]])
    overlaps = mask_overlaps(confusion_matrix(slots, labels), count_void=False)
    assert overlaps.overlaps == (1,)  # labels 1 and 2 are not there
    assert overlaps.sizes == pytest.approx((3 / 8,))
