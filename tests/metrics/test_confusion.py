import pytest
import torch
from torch import Tensor

from slotlight.errors import DatasetError
from slotlight.metrics import (
    confusion_matrix,
)


def test_counts_pixels_once() -> None:
    slots = torch.tensor([[[0, 0, 1]], [[2, 2, 2]]])
    labels = torch.tensor([[[0, 3, 3]], [[255, 255, 1]]])
    confusion = confusion_matrix(slots, labels)
    assert confusion.counts.tolist() == [
        [[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]],
    ]
    assert confusion.void.tolist() == [[0, 0, 0], [0, 0, 2]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_maps_of_any_whole_number_are_counted_and_left_as_they_were(dtype: torch.dtype) -> None:
    slots, labels = (
        torch.tensor([[[0, 0, 1]]] * 2, dtype=dtype),
        torch.tensor([[[0, 2, 255]]] * 2, dtype=dtype),
    )
    kept = slots.clone(), labels.clone()
    assert confusion_matrix(slots, labels).counts.tolist() == [[[1, 0, 1], [0, 0, 0]]] * 2
    assert torch.equal(slots, kept[0])
    assert torch.equal(labels, kept[1])


@pytest.mark.parametrize(
    ("slots", "labels", "message"),
    [
        (torch.zeros(1, 2, 3), torch.zeros(1, 2, 4), "Slots of 1×2×3 .* labels of 1×2×4"),
        (torch.zeros(0, 2, 3), torch.zeros(0, 2, 3), "no pixel"),
        (torch.zeros(1, 2, 3), torch.full((1, 2, 3), -1), "A slot or label is -1"),
    ],
)
def test_maps_that_do_not_fit_are_refused(slots: Tensor, labels: Tensor, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        confusion_matrix(slots.long(), labels.long())
