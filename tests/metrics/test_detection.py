"""Class-agnostic average precision against cases worked by hand."""

import math

import pytest
import torch

from slotlight.errors import DatasetError
from slotlight.formats.run_lengths import RunLengths
from slotlight.metrics import ScoredRegions, average_precision

SQUARE, FAR = [0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 60.0]


def image(found: list[list[float]], scores: list[float], truth: list[list[float]]) -> ScoredRegions:
    as_boxes = [torch.tensor(rows).reshape(-1, 4) for rows in (found, truth)]
    return ScoredRegions.of_boxes(as_boxes[0], torch.tensor(scores), as_boxes[1])


def test_a_perfect_detector() -> None:
    result = average_precision([image([SQUARE, FAR], [0.9, 0.8], [SQUARE, FAR])])
    assert (result.ap, result.ap50, result.ap75) == pytest.approx((1, 1, 1))
    assert (result.ar_1, result.ar_10, result.ar_100) == pytest.approx((0.5, 1, 1))


def test_a_false_alarm_above_the_hit_halves_precision() -> None:
    assert average_precision([image([FAR, SQUARE], [0.9, 0.8], [SQUARE])]).ap50 == pytest.approx(0.5)
    assert average_precision([image([FAR, SQUARE], [0.7, 0.8], [SQUARE])]).ap50 == pytest.approx(1)


def test_a_loose_box_counts_up_to_its_overlap() -> None:
    # IoU 0.8: right at 0.50 to 0.80 (seven of ten thresholds).
    result = average_precision([image([[0.0, 0.0, 10.0, 8.0]], [0.5], [SQUARE])])
    assert result.ap == pytest.approx(0.7)
    assert result.ar_100 == pytest.approx(0.7)
    assert (result.ap50, result.ap75) == pytest.approx((1, 1))


def test_one_object_is_found_once() -> None:
    # Two boxes on one object of two: recall 1/2 at precision 1; COCO samples recall at 51 of 101 points.
    result = average_precision([image([SQUARE, SQUARE], [0.9, 0.8], [SQUARE, FAR])])
    assert result.ap50 == pytest.approx(51 / 101)
    assert result.ar_100 == pytest.approx(0.5)


def test_images_are_pooled_and_empty_ones_count_their_false_alarms() -> None:
    hit, empty = image([SQUARE], [0.5], [SQUARE]), image([FAR], [0.9], [])
    assert average_precision([hit, empty]).ap50 == pytest.approx(0.5)


def test_nothing_found_and_nothing_there() -> None:
    assert average_precision([image([], [], [SQUARE])]).ap == 0
    assert math.isnan(average_precision([image([SQUARE], [0.5], [])]).ap)


def test_the_curve_of_precision_over_scores() -> None:
    result = average_precision([image([SQUARE, FAR], [0.9, 0.4], [SQUARE, [20.0, 20.0, 30.0, 30.0]])])
    assert result.precision[:51] == pytest.approx((1,) * 51)
    assert result.precision[51:] == pytest.approx((0,) * 50)
    assert result.thresholds[:51] == pytest.approx((0.9,) * 51)


def test_masks_are_compared_pixel_by_pixel() -> None:
    truth = torch.zeros(1, 10, 10, dtype=torch.bool)
    truth[:, :8, :5] = True
    found = truth.clone()
    found[:, 7] = False  # 35 of 40 pixels: right at 0.50 … 0.85
    codes = [RunLengths.encode(masks.numpy()) for masks in (found, truth)]
    result = average_precision([ScoredRegions("segm", codes[0], (0.3,), codes[1])])
    assert result.ap == pytest.approx(0.8)


def test_crowds_neither_reward_nor_punish() -> None:
    plain = image([FAR, SQUARE], [0.9, 0.8], [SQUARE])
    crowd = ScoredRegions(
        "bbox", plain.found, plain.scores, plain.annotated, crowds=((45.0, 45.0, 30.0, 30.0),)
    )
    assert average_precision([crowd]).ap50 == pytest.approx(1)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DatasetError, match="1 regions have 2 scores"):
        ScoredRegions("bbox", ((0.0, 0.0, 9.0, 9.0),), (0.1, 0.2), ())
    with pytest.raises(DatasetError, match="one kind"):
        average_precision([])
