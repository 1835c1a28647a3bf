"""Confusion matrices, overlaps and Rand indices: hand-worked cases, scikit-learn, and properties."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from label_maps import maps
from slotlight.metrics import (
    adjusted_rand_index,
    best_overlap,
    best_overlap_of_labels,
    confusion_matrix,
    foreground_rand_index,
    hungarian_iou,
)


def all_metrics(slots: Tensor, labels: Tensor) -> Tensor:
    confusion = confusion_matrix(slots, labels)
    values = [adjusted_rand_index(confusion), foreground_rand_index(confusion)]
    values += [best_overlap(confusion, count_void=v) for v in (True, False)]
    values += [
        hungarian_iou(confusion, background=b, count_void=v) for b in (True, False) for v in (True, False)
    ]
    return torch.stack(values)


def test_void_pixels_stay_in_the_union_only_where_they_count() -> None:
    slots = torch.tensor([[[0, 1, 1, 1]]])
    labels = torch.tensor([[[0, 5, 5, 255]]])
    confusion = confusion_matrix(slots, labels)
    assert best_overlap(confusion, count_void=False).item() == 1
    assert best_overlap(confusion, count_void=True).item() == pytest.approx(2 / 3)


def test_a_label_without_a_slot_counts_zero() -> None:
    slots, labels = torch.zeros(1, 1, 4, dtype=torch.long), torch.tensor([[[1, 1, 1, 2]]])
    confusion = confusion_matrix(slots, labels)
    assert hungarian_iou(confusion, background=False, count_void=False).item() == pytest.approx(3 / 8)
    assert best_overlap(confusion, count_void=False).item() == pytest.approx((3 / 4 + 1 / 4) / 2)


def test_images_without_objects_are_undefined() -> None:
    slots = torch.tensor([[[0, 0]], [[0, 1]], [[0, 1]]])
    labels = torch.tensor([[[0, 0]], [[0, 1]], [[255, 255]]])
    confusion = confusion_matrix(slots, labels)
    for values in (
        best_overlap(confusion, count_void=True),
        hungarian_iou(confusion, background=False, count_void=True),
        foreground_rand_index(confusion),
    ):
        assert values.isnan().tolist() == [True, False, True]
    with_background = hungarian_iou(confusion, background=True, count_void=True)
    assert with_background.isnan().tolist() == [False, False, True]


def test_best_overlap_of_each_label() -> None:
    confusion = confusion_matrix(torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 0, 3]]]))
    best = best_overlap_of_labels(confusion, count_void=False)[0]
    assert best.isnan().tolist() == [False, True, True, False]
    assert best[[0, 3]].tolist() == pytest.approx([2 / 3, 1 / 2])


@settings(max_examples=40, deadline=None)
@given(maps(4), maps(3, void=True), st.permutations(range(9)))
def test_relabelling_slots_changes_nothing(slots: Tensor, labels: Tensor, names: list[int]) -> None:
    renamed = torch.tensor(names)[slots.long()]
    torch.testing.assert_close(
        all_metrics(renamed, labels), all_metrics(slots, labels), equal_nan=True, rtol=0, atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(maps(4))
def test_a_perfect_prediction_is_one(labels: Tensor) -> None:
    values = all_metrics(labels, labels)
    assert ((values == 1) | values.isnan()).all()


@settings(max_examples=40, deadline=None)
@given(maps(2), maps(3, void=True), maps(1), st.booleans())
def test_splitting_an_object_never_raises_best_overlap(
    cut: Tensor, labels: Tensor, side: Tensor, count_void: bool
) -> None:
    # Every slot lies within one object (or the background, or void); then each is broken in two at random.
    within = 5 * cut.long() + labels.long().clamp(max=4)
    broken = 2 * within + side
    before = best_overlap(confusion_matrix(within, labels), count_void=count_void)
    after = best_overlap(confusion_matrix(broken, labels), count_void=count_void)
    assert (after.nan_to_num(0) <= before.nan_to_num(0) + 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(maps(3), maps(3, void=True))
def test_an_image_s_value_does_not_depend_on_its_batch(slots: Tensor, labels: Tensor) -> None:
    alone = torch.cat([all_metrics(slots[i : i + 1], labels[i : i + 1]) for i in range(len(slots))], dim=1)
    torch.testing.assert_close(all_metrics(slots, labels), alone, equal_nan=True, rtol=0, atol=1e-12)
