import numpy as np
import pytest

from slotlight.formats.run_lengths import RunLengths, annotated_mask, best_mask_overlap, mask_overlaps


def test_masks_come_back_and_overlaps_are_those_of_their_pixels() -> None:
    masks = np.random.default_rng(0).random((4, 9, 7)) < 0.4
    codes = RunLengths.encode(masks)
    assert all(np.array_equal(code.decode(), mask) for code, mask in zip(codes, masks, strict=True))
    assert [code.area() for code in codes] == masks.sum(axis=(1, 2)).tolist()
    expected = [[(a & b).sum() / (a | b).sum() for b in masks] for a in masks]
    assert mask_overlaps(codes, codes) == pytest.approx(np.array(expected))
    texts = {"size": [9, 7], "counts": codes[0].counts}
    assert np.array_equal(annotated_mask({"segmentation": texts}), masks[0])


def test_nothing_found_covers_nothing() -> None:
    one = RunLengths.encode(np.ones((1, 2, 2), bool))
    assert best_mask_overlap((), one) == (0,)
    assert best_mask_overlap(one, ()) == ()
