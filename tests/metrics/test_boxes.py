"""Boxes of label maps, box overlaps and CorLoc: hand-worked cases and torchvision."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor
from torchvision.ops import box_iou as torchvision_box_iou
from torchvision.ops import masks_to_boxes

from slotlight.metrics import (
    best_box_corloc,
    best_overlap_of_boxes,
    box_iou,
    label_boxes,
    one_box_corloc,
)

MISSING = [-1.0, -1.0, -1.0, -1.0]
LABELS = arrays("uint8", (2, 4, 7), elements=st.integers(0, 5), fill=st.nothing()).map(torch.from_numpy)


def boxes(*rows: list[float]) -> Tensor:
    return torch.tensor([rows], dtype=torch.float64)


def test_boxes_in_both_conventions() -> None:
    labels = torch.tensor([[[0, 2, 2, 255], [0, 2, 2, 2]]])
    assert label_boxes(labels, 3)[0].tolist() == [[0, 0, 1, 2], MISSING, [1, 0, 4, 2]]
    assert label_boxes(labels, 3, inclusive=True)[0].tolist() == [[0, 0, 0, 1], MISSING, [1, 0, 3, 1]]


@given(LABELS)
def test_inclusive_boxes_are_torchvision_s(labels: Tensor) -> None:
    found = label_boxes(labels, 6, inclusive=True)
    for image, image_boxes in zip(labels, found, strict=True):
        for label in image.unique().long():
            assert image_boxes[label].tolist() == masks_to_boxes(image[None] == label)[0].tolist()
    present = torch.stack([(labels == label).flatten(1).any(1) for label in range(6)], dim=1)
    assert torch.equal(found[..., 0] >= 0, present)


def test_overlaps_are_torchvision_s() -> None:
    corners = torch.randint(0, 9, (2, 5, 2), generator=torch.Generator().manual_seed(0)).double()
    first = torch.cat((corners, corners + 3.5), dim=-1)
    second = first.flip(1) + 1
    expected = torch.stack([torchvision_box_iou(a, b) for a, b in zip(first, second, strict=True)])
    torch.testing.assert_close(box_iou(first, second), expected)


def test_missing_and_flat_boxes_overlap_nothing() -> None:
    odd = boxes(MISSING, [2, 2, 2, 5])
    assert box_iou(odd, torch.cat((odd, boxes([0, 0, 9, 9])), dim=1)).tolist() == [[[0, 0, 0], [0, 0, 0]]]


def test_exactly_half_misses_best_box_and_hits_one_box() -> None:
    whole, half = boxes([0, 0, 4, 4]), boxes([0, 0, 4, 2])
    assert best_box_corloc(half, whole).tolist() == [0]
    assert one_box_corloc(half[:, 0], whole).tolist() == [1]


def test_any_box_may_hit_in_best_box_but_only_the_given_one_in_one_box() -> None:
    truth, found = boxes([5, 5, 9, 9]), boxes([0, 0, 4, 4], [5, 5, 9, 8])
    assert best_box_corloc(found, truth).tolist() == [1]
    assert [one_box_corloc(found[:, k], truth).item() for k in (0, 1)] == [0, 1]


def test_images_without_objects_are_undefined() -> None:
    found = torch.tensor([[[0.0, 0, 2, 2]], [[0, 0, 2, 2]]])
    truth = torch.tensor([[MISSING, MISSING], [[0.0, 0, 2, 2], [7, 7, 9, 9]]])
    undefined = [True, False]
    assert best_box_corloc(found, truth).isnan().tolist() == undefined
    assert one_box_corloc(found[:, 0], truth).isnan().tolist() == undefined


def test_an_object_s_best_box_is_looked_for_among_all() -> None:
    truth = boxes([0, 0, 4, 4], [10, 10, 14, 14], MISSING)
    found = boxes([0, 0, 4, 4], [10, 10, 14, 13])
    assert best_overlap_of_boxes(found, truth)[0, :2].tolist() == [1, 0.75]
    assert best_overlap_of_boxes(found, truth)[0, 2].isnan()
    assert best_overlap_of_boxes(found[:, :0], truth)[0, :2].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_label_maps_of_either_type(dtype: torch.dtype) -> None:
    labels = torch.full((1, 3, 3), 255).to(dtype)
    labels[0, 1, 2] = 0
    assert label_boxes(labels, 1).tolist() == [[[2, 1, 3, 2]]]
    assert labels.sum() == 8 * 255
