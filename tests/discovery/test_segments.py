import numpy as np
import torch

from slotlight.config import Calibration, ObjectRule
from slotlight.discovery.objects import pixel_regions
from slotlight.discovery.segments import (
    FINEST_PIXELS,
    EnlargedMasks,
    calibrated,
    mask_boxes_xyxy,
    segment_objects,
)
from slotlight.segmenter import Regions

EVERYTHING = ObjectRule(min_score=0.0, max_objects=100, min_area=0.0, min_part=0.0)


def test_a_hundred_regions_of_a_large_photograph_take_little() -> None:
    masks, scores = torch.ones(100, 4, 4), torch.linspace(1, 0.2, 100)
    found = pixel_regions(Regions(masks, scores), (3000, 2000), ObjectRule(max_objects=100))
    assert found.masks.nbytes < 100 * FINEST_PIXELS**2
    assert found.boxes_xyxy.tolist() == [[0, 0, 2000, 3000]] * 100
    assert EnlargedMasks(found.masks, (3000, 2000))[99].all()


def test_boxes_of_no_and_of_single_pixel_masks() -> None:
    assert mask_boxes_xyxy(np.zeros((0, 4, 5), dtype=bool)).shape == (0, 4)
    one = np.zeros((1, 4, 5), dtype=bool)
    one[0, 3, 4] = True
    assert mask_boxes_xyxy(one).tolist() == [[4, 3, 5, 4]]


def test_calibrated_scores_keep_their_order_and_decide_what_is_kept() -> None:
    winners = np.repeat(np.arange(4, dtype=np.uint8), 4)[None].repeat(4, axis=0)
    raw, groups = np.array([0.0, 0.2, 0.5, 0.8], np.float32), np.arange(4)
    halved = Calibration(slope=2.0, intercept=-1.0, labels="some")
    every = segment_objects(winners, raw, groups, EVERYTHING, (4, 16), calibration=halved)
    odds = np.exp(-1.0) * (raw[:0:-1] / (1 - raw[:0:-1])) ** 2
    assert np.allclose(every.scores, odds / (1 + odds), atol=1e-6)
    assert every.boxes_xyxy[:, 0].tolist() == [12, 8, 4]
    few = segment_objects(winners, raw, groups, ObjectRule(min_score=0.25), (4, 16), calibration=halved)
    assert few.scores.tolist() == every.scores[:2].tolist()
    kept = segment_objects(winners, raw, groups, ObjectRule(), (4, 16), calibration=halved)
    assert len(kept.scores) == 2  # the third is right less than once in twenty times
    assert len(segment_objects(winners, raw, groups, ObjectRule(), (4, 16)).scores) == 3
    assert calibrated(np.array([0.0, 1.0]), halved).tolist() == [0, 1]
