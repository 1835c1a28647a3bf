import numpy as np
import pytest

from slotlight.datasets import Labels


def test_a_map_of_instances_is_read_one_by_one_without_void() -> None:
    instances = np.zeros((6, 8), np.uint8)
    instances[1:3, 1:4], instances[4:, :2], instances[:, 7] = 1, 3, 255
    masks = Labels(instances=instances).instance_masks()
    assert masks.areas == (6, 4)
    assert [mask.size for mask in masks.objects] == [(6, 8)] * 2
    assert masks.crowds == ()
    assert Labels(instances=np.zeros((6, 8), np.uint8)).instance_masks().objects == ()
    with pytest.raises(ValueError, match="no instance masks"):
        Labels().instance_masks()
