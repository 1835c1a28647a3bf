import numpy as np
import supervision

from found_scenes import SHAPES, discovery
from slotlight.loading import load


def test_supervision_takes_it_for_sam_s():
    found = discovery(shapes=("ell", "ring"))
    given = found.to_sam()
    loaded = supervision.Detections.from_sam(given)
    order = np.argsort([-len(np.argwhere(mask)) for mask in found.masks])
    assert np.array_equal(loaded.mask, found.masks[order])
    for one, name in zip(given, ("ell", "ring"), strict=True):
        x, y = map(int, one["point_coords"][0])
        assert SHAPES[name][y, x]
        assert one["area"] == SHAPES[name].sum()
        assert one["crop_box"] == [0, 0, 80, 60]


def test_a_notebook_written_for_sam():
    masks = load("centre-box").generate(np.zeros((60, 80, 3), np.uint8))
    assert set(masks[0]) == {
        *("segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score", "crop_box")
    }
