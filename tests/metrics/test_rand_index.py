import pytest
import torch
from hypothesis import given, settings
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from label_maps import maps
from slotlight.metrics import (
    adjusted_rand_index,
    confusion_matrix,
    foreground_rand_index,
)


@settings(max_examples=40, deadline=None)
@given(maps(3), maps(3))
def test_rand_index_is_scikit_learn_s(slots: Tensor, labels: Tensor) -> None:
    values = adjusted_rand_index(confusion_matrix(slots, labels))
    expected = [adjusted_rand_score(b.flatten(), a.flatten()) for a, b in zip(slots, labels, strict=True)]
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(maps(3), maps(3, void=True))
def test_foreground_rand_index_is_scikit_learn_s_on_objects(slots: Tensor, labels: Tensor) -> None:
    values = foreground_rand_index(confusion_matrix(slots, labels))
    for value, slot_map, label_map in zip(values, slots, labels, strict=True):
        objects = (label_map > 0) & (label_map != 255)
        if not objects.any():
            assert value.isnan()
        else:
            expected = adjusted_rand_score(label_map[objects], slot_map[objects])
            assert value.item() == pytest.approx(expected, abs=1e-9)
