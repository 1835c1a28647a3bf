import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from known_masks import hard, two_squares
from slotlight.config import ObjectRule
from slotlight.discovery.objects import pixel_objects
from slotlight.discovery.segments import (
    FINEST_PIXELS,
    EnlargedMasks,
    mask_boxes_xyxy,
)

EVERYTHING = ObjectRule(min_score=0.0, max_objects=100, min_area=0.0, min_part=0.0)


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
