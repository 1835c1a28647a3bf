"""Masks on the grid of patches."""

import numpy as np

from slotlight.features.of_masks import patch_weights


def test_a_mask_on_patches():
    mask = np.zeros((40, 60), bool)
    mask[3:17, 11:48] = True
    expected = mask.reshape(4, 10, 6, 10).mean(axis=(1, 3))
    assert np.allclose(patch_weights(mask, (4, 6)), expected, atol=1 / 255)


def test_a_speck_has_the_patch_around_it():
    mask = np.zeros((1000, 1500), bool)
    mask[999, 700] = True
    weights = patch_weights(mask, (4, 6))
    assert np.argwhere(weights).tolist() == [[3, 2]]
