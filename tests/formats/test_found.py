from pathlib import Path

import numpy as np

from found_scenes import found_scenes


def test_of_objects_that_overlap_the_best_is_seen(tmp_path: Path) -> None:
    for photograph in found_scenes(tmp_path).photographs():
        labels, masks = photograph.labels(), list(photograph.each_mask())
        assert labels.shape == (photograph.height, photograph.width)
        assert ((labels > 0) == np.any([np.zeros_like(labels), *masks], axis=0)).all()
        for number, mask in enumerate(masks, start=1):
            assert (labels[mask] <= number).all()
        for mask, box in zip(masks, photograph.boxes_xyxy(), strict=True):
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_certainty_is_the_mean_score_and_nothing_found_is_uncertain(tmp_path: Path) -> None:
    found = [(len(one.annotations), one.certainty()) for one in found_scenes(tmp_path).photographs()]
    assert [certainty for count, certainty in found if not count] == [0]
    assert all(0 < certainty <= 1 for count, certainty in found if count)
