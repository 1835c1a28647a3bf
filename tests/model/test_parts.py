import numpy as np

from slotlight.model.parts import connected_parts


def test_parts_are_apart_share_out_the_mask_and_specks_are_dropped() -> None:
    mask = np.zeros((8, 9), bool)
    mask[1:4, 1:5] = mask[5:8, 6:9] = mask[0, 8] = True
    parts = connected_parts(mask, 0.0)
    assert sorted(share for _, share in parts) == [1 / 22, 9 / 22, 12 / 22]
    assert (np.sum([part for part, _ in parts], axis=0) == mask).all()
    assert len(connected_parts(mask, 0.2)) == 2
    assert connected_parts(np.zeros((3, 3), bool), 0.2) == []
