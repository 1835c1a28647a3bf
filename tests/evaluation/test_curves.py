import pytest

from slotlight.evaluation.curves import curves_of
from slotlight.evaluation.measured import Measured, ObjectOverlaps


def test_recall_falls_with_the_overlap_asked_for_and_is_told_by_size() -> None:
    objects = ObjectOverlaps(overlaps=(1.0, 0.6, 0.0, 0.5), sizes=(0.5, 0.05, 0.05, 0.5))
    by_overlap, by_size = curves_of([Measured({}, objects), Measured({}, ObjectOverlaps())])
    recall = dict(zip(by_overlap.x, by_overlap.y, strict=True))
    assert (recall[0.0], recall[0.5], recall[0.6], recall[1.0]) == (1, 0.75, 0.5, 0.25)
    assert by_size.x == pytest.approx((0.05**0.5, 0.5**0.5))
    assert by_size.y == (0.5, 1)


def test_nothing_measured_has_no_curve() -> None:
    assert curves_of([]) == curves_of([Measured({"mIoU": 0.3})]) == ()
