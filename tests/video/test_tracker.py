"""Which object is which: by place, by looks, after a while, in another order."""

import json

import numpy as np
import pytest

from slotlight.config import TrackRule
from slotlight.formats.coco import coco_annotations
from slotlight.video.tracker import Tracker

PLAIN = np.zeros((0, 0), np.float32)


def squares(*corners: tuple[int, int], side: int = 10) -> list[dict]:
    """Objects of one frame."""
    masks = np.zeros((len(corners), 60, 80), bool)
    for mask, (top, left) in zip(masks, corners, strict=True):
        mask[top : top + side, left : left + side] = True
    boxes = np.array([[left, top, left + side, top + side] for top, left in corners], np.float32).reshape(
        -1, 4
    )
    scores = np.ones(len(corners), np.float32)
    return coco_annotations(masks, boxes, scores, image_id=1, first_annotation_id=1)


def looks(*kinds: int) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[list(kinds)].reshape(len(kinds), 4)


def no_looks(count: int) -> np.ndarray:
    return np.zeros((count, 0), np.float32)


def test_numbers_stay_when_objects_move_and_their_order_changes():
    tracker = Tracker(TrackRule())
    assert tracker.update(squares((5, 5), (30, 50)), no_looks(2)) == [1, 2]
    assert tracker.update(squares((31, 47), (5, 9)), no_looks(2)) == [2, 1]
    assert tracker.update(squares((6, 13), (32, 44)), no_looks(2)) == [1, 2]


def test_objects_that_cross_are_told_by_their_looks():
    paths = [((20, 10 + 6 * t), (20, 64 - 6 * t)) for t in range(10)]
    for rule, expected in ((TrackRule(), [1, 2]), (TrackRule(likeness=0.0), None)):
        tracker = Tracker(rule)
        numbers = [tracker.update(squares(*both), looks(0, 1)) for both in paths]
        if expected:
            assert numbers == [expected] * 10
        else:  # place alone swaps them: the test can fail
            assert numbers[-1] != [1, 2]


def test_birth_needs_a_second_sighting():
    tracker = Tracker(TrackRule(birth=2))
    for _ in range(3):
        assert tracker.update(squares((5, 5)), looks(0)) == [1]
    assert tracker.update(squares((5, 5), (40, 60)), looks(0, 1)) == [1, 0]
    assert tracker.update(squares((5, 5)), looks(0)) == [1]  # a flicker
    assert tracker.update(squares((5, 5), (40, 60)), looks(0, 1)) == [1, 0]
    assert tracker.update(squares((5, 5), (40, 60)), looks(0, 1)) == [1, 2]


@pytest.mark.parametrize(("gap", "number"), [(4, 1), (5, 2)])
def test_memory_ends(gap, number):
    tracker = Tracker(TrackRule(memory=4, birth=1))
    tracker.update(squares((5, 5)), looks(0))
    for _ in range(gap):
        assert tracker.update([], looks()) == []
    assert tracker.update(squares((5, 5)), looks(0)) == [number]


def test_nothing_jumps_however_alike():
    tracker = Tracker(TrackRule(birth=1))
    assert tracker.update(squares((0, 0)), looks(0)) == [1]
    assert tracker.update(squares((49, 69)), looks(0)) == [2]


def test_a_state_that_was_written_goes_on_alike():
    rng = np.random.default_rng(0)
    frames = [
        (squares(*rng.integers(0, 50, (3, 2)).tolist()), rng.normal(size=(3, 4)).astype(np.float32))
        for _ in range(12)
    ]
    whole = Tracker(TrackRule(memory=2))
    expected = [whole.update(*frame) for frame in frames]
    numbers, state = [], Tracker(TrackRule(memory=2)).state()
    for frame in frames:
        tracker = Tracker(TrackRule(memory=2))
        tracker.restore(json.loads(json.dumps(state)))
        numbers.append(tracker.update(*frame))
        state = tracker.state()
    assert numbers == expected
    assert whole.born > 3
