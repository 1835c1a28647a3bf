import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from slotlight.baselines.scoring import score_segments
from slotlight.config import Calibration, ObjectRule
from slotlight.discovery.objects import pixel_objects, pixel_regions
from slotlight.discovery.segments import (
    FINEST_PIXELS,
    EnlargedMasks,
    calibrated,
    mask_boxes_xyxy,
    segment_objects,
)
from slotlight.segmenter import Regions

EVERYTHING = ObjectRule(min_score=0.0, max_objects=100, min_area=0.0, min_part=0.0)


def hard(segments: list[list[int]] | np.ndarray, slots: int = 4) -> Tensor:
    """Slot masks (slot, height, width) of a map of winners."""
    return F.one_hot(torch.as_tensor(np.asarray(segments)), slots).movedim(-1, 0).float()


def two_squares() -> np.ndarray:
    segments = np.zeros((20, 30), dtype=int)
    segments[2:8, 3:10] = 1
    segments[10:18, 15:28] = 2
    return segments


class TestPixelObjects:
    def test_masks_boxes_and_scores_best_first(self) -> None:
        segments = two_squares()
        found = pixel_objects(hard(segments), torch.tensor([0.0, 0.4, 0.9, 0.8]), (20, 30), ObjectRule())
        assert np.array_equal(found.segments, segments)
        assert found.segments.dtype == np.uint8
        assert np.array_equal(found.masks, np.stack([segments == 2, segments == 1]))
        assert found.boxes_xyxy.tolist() == [[15, 10, 28, 18], [3, 2, 10, 8]]
        assert found.boxes_xyxy.dtype == found.scores.dtype == np.float32
        np.testing.assert_allclose(found.scores, [0.9, 0.4])

    def test_a_group_of_slots_is_one_object_while_segments_stay_slots(self) -> None:
        segments = two_squares()
        segments[10:18, 15:20] = 3  # a part of the second square
        scores, groups = torch.tensor([0.0, 0.4, 0.9, 0.9]), torch.tensor([0, 1, 2, 2])
        found = pixel_objects(hard(segments), scores, (20, 30), ObjectRule(), groups)
        assert np.array_equal(found.segments, segments)
        assert np.array_equal(found.masks, np.stack([segments >= 2, segments == 1]))
        np.testing.assert_allclose(found.scores, [0.9, 0.4])

    def test_a_score_of_zero_is_background_whatever_the_rule(self) -> None:
        found = pixel_objects(hard(two_squares()), torch.tensor([0.0, 0.0, 0.5, 0.0]), (20, 30), EVERYTHING)
        np.testing.assert_allclose(found.scores, [0.5])

    @pytest.mark.parametrize("scores", [[0.0] * 4, [0.05] * 4, [float("nan")] * 4])
    def test_no_object(self, scores: list[float]) -> None:
        found = pixel_objects(hard(two_squares()), torch.tensor(scores), (20, 30), ObjectRule())
        assert found.masks.shape == (0, 20, 30)
        assert found.masks.dtype == np.bool_
        assert found.boxes_xyxy.shape == (0, 4)
        assert found.scores.shape == (0,)

    def test_a_score_that_is_no_number_takes_no_other_down(self) -> None:
        scores = torch.tensor([float("nan"), 0.4, 0.9, 0.0])
        np.testing.assert_allclose(
            pixel_objects(hard(two_squares()), scores, (20, 30), ObjectRule()).scores, [0.9, 0.4]
        )

    def test_at_most_so_many(self) -> None:
        rule = ObjectRule(max_objects=1)
        found = pixel_objects(hard(two_squares()), torch.tensor([0.3, 0.4, 0.9, 0.8]), (20, 30), rule)
        np.testing.assert_allclose(found.scores, [0.9])

    @pytest.mark.parametrize(("min_area", "kept"), [(0.06, 2), (0.08, 1), (0.5, 0)])
    def test_small_ones_are_left_out(self, min_area: float, kept: int) -> None:
        rule = ObjectRule(min_area=min_area)  # 42 and 104 of 600 pixels
        scores = torch.tensor([0.0, 0.4, 0.9, 0.8])
        assert len(pixel_objects(hard(two_squares()), scores, (20, 30), rule).scores) == kept

    def test_parts_of_a_slot_are_objects_and_specks_are_none(self) -> None:
        segments = np.zeros((20, 20), dtype=int)
        segments[0:10, 0:10] = segments[15:20, 15:20] = 1  # 100 and 25 pixels
        segments[0, 19] = 1
        scores = torch.tensor([0.0, 0.8, 0.0, 0.0])
        found = pixel_objects(hard(segments), scores, (20, 20), ObjectRule(min_part=0.2))
        assert found.boxes_xyxy.tolist() == [[0, 0, 10, 10], [15, 15, 20, 20]]
        np.testing.assert_allclose(
            found.scores, [0.8 * (100 / 126) ** 0.5, 0.8 * (25 / 126) ** 0.5], rtol=1e-6
        )
        assert not found.masks[:, 0, 19].any()
        assert np.array_equal(found.segments, segments)
        largest = pixel_objects(hard(segments), scores, (20, 20), ObjectRule(min_part=0.3))
        assert largest.boxes_xyxy.tolist() == [[0, 0, 10, 10]]

    def test_ties_go_to_the_first_slot_and_the_first_score(self) -> None:
        found = pixel_objects(torch.full((3, 2, 2), 1 / 3), torch.tensor([0.5, 0.5, 0.5]), (8, 8), EVERYTHING)
        assert (found.segments == 0).all()
        assert found.scores.shape == (1,)
        halves = hard([[2, 0], [2, 0]])
        equal = pixel_objects(halves, torch.full((4,), 0.5), (2, 2), EVERYTHING)
        assert equal.masks[0].tolist() == [[False, True]] * 2  # slot 0 before slot 2

    @pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 7), (1500, 1100), (1024, 1025)])
    def test_any_size(self, size: tuple[int, int]) -> None:
        masks = torch.rand(5, 8, 6, generator=torch.Generator().manual_seed(0)).softmax(dim=0)
        found = pixel_objects(masks, torch.linspace(0.2, 1, 5), size, EVERYTHING)
        assert found.segments.shape == size
        assert max(found.masks.shape[1:]) == min(max(size), FINEST_PIXELS)
        enlarged = EnlargedMasks(found.masks, size)
        assert found.masks.sum(axis=0).max() == 1
        for mask, box in zip(enlarged, found.boxes_xyxy, strict=True):
            assert mask.shape == size
            assert mask_boxes_xyxy(mask[None])[0].tolist() == box.tolist()
            assert len(np.unique(found.segments[mask])) == 1
        heights_and_widths = found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]
        assert (heights_and_widths >= 1).all()
        assert (found.boxes_xyxy[:, 2:] <= [size[1], size[0]]).all()

    def test_a_large_photograph_is_split_where_a_small_one_is(self) -> None:
        masks = hard([[1, 0], [1, 0]], slots=2)
        found = pixel_objects(masks, torch.tensor([0.0, 1.0]), (2048, 3000), EVERYTHING)
        assert found.boxes_xyxy[0].tolist() == pytest.approx([0, 0, 1500, 2048], abs=3)

    @given(st.integers(1, 9), st.integers(0, 10_000))
    @settings(max_examples=40, deadline=None)
    def test_always_disjoint_descending_and_boxed(self, slots: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        masks = (3 * torch.randn(slots, 5, 6, generator=generator)).softmax(dim=0)
        found = pixel_objects(masks, torch.rand(slots, generator=generator), (23, 31), ObjectRule())
        assert (found.masks.sum(axis=0) <= 1).all()
        assert (np.diff(found.scores) <= 0).all()
        for mask, box in zip(found.masks, found.boxes_xyxy, strict=True):
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert len(np.unique(found.segments[mask])) == 1


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


class TestScore:
    def test_what_runs_along_the_border_is_background_and_the_middle_is_an_object(self) -> None:
        scores = score_segments(hard(two_squares())[None])[0]
        assert scores.tolist() == [0, 1, 1, 0]  # background, objects, and a slot that wins nowhere

    def test_touching_the_border_costs_score(self) -> None:
        segments = np.zeros((12, 12), dtype=int)
        segments[4:8, 4:8] = 1
        segments[0:3, 0:3] = 2
        scores = score_segments(hard(segments)[None])[0]
        assert scores[0] == 0
        assert 0 < scores[2] < scores[1]

    def test_unsure_masks_cost_score(self) -> None:
        sure = hard(two_squares())[None]
        unsure = (2 * sure).softmax(dim=1)
        assert 0 < score_segments(unsure)[0, 1] < score_segments(sure)[0, 1]

    @given(st.integers(1, 9), st.integers(0, 10_000))
    @settings(max_examples=40, deadline=None)
    def test_always_in_zero_to_one_and_independent_of_the_batch(self, slots: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        masks = torch.randn(3, slots, 4, 5, generator=generator).softmax(dim=1)
        scores = score_segments(masks)
        assert scores.min() >= 0
        assert scores.max() <= 1
        torch.testing.assert_close(score_segments(masks[1:2]), scores[1:2])


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
