import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from odd_files import picture
from slotlight.images.reading import MAX_ASPECT, fit_size
from slotlight.images.resizing import resize, to_batch


class TestSizes:
    @given(
        height=st.integers(1, 9000),
        width=st.integers(1, 9000),
        image_size=st.integers(32, 640),
        patch_size=st.sampled_from([8, 14, 16]),
    )
    def test_whole_patches_near_the_area_and_the_aspect(
        self, height: int, width: int, image_size: int, patch_size: int
    ) -> None:
        fitted = np.array(fit_size(height, width, image_size, patch_size))
        assert (fitted % patch_size == 0).all()
        assert (fitted >= patch_size).all()
        aspect = np.clip(width / height, 1 / MAX_ASPECT, MAX_ASPECT)
        exact = np.maximum(image_size * np.array([aspect**-0.5, aspect**0.5]), patch_size)
        assert (np.abs(fitted - exact) <= patch_size / 2 + 1e-6).all()

    def test_the_papers_square(self) -> None:
        assert fit_size(500, 500, 320, 16) == (320, 320)
        assert fit_size(375, 500, 320, 16)[::-1] == fit_size(500, 375, 320, 16)

    def test_resize_is_antialiased(self) -> None:
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 255
        assert np.abs(resize(stripes, (8, 8)).astype(int) - 127).max() < 16

    @pytest.mark.parametrize("size", [(30, 50), (64, 64), (20, 20), (1, 1), (300, 400)])
    def test_resize_agrees_with_pillow(self, size: tuple[int, int]) -> None:
        image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
        theirs = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))
        assert np.abs(resize(image, size).astype(int) - theirs).max() <= 2

    def test_batch(self) -> None:
        batch = to_batch([picture(), 255 - picture()])
        assert batch.shape == (2, 3, 6, 9)
        torch.testing.assert_close(batch.sum(0), torch.ones(3, 6, 9))
        np.testing.assert_array_equal(batch[0].permute(1, 2, 0) * 255, picture())
