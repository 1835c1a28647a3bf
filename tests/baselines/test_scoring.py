import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from known_masks import hard, two_squares
from slotlight.baselines.scoring import score_segments


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
