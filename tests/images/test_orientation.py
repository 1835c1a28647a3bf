import numpy as np
import pytest
from PIL import Image, ImageOps

from slotlight.images.orientation import orientation_of, turn_boxes_upright, turn_upright


def turned(orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10))
    image.getexif()[0x0112] = orientation
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_as_pillow_does(orientation: int) -> None:
    image = turned(orientation)
    assert orientation_of(image) == orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(turn_upright(np.asarray(image), orientation), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_their_pixels(orientation: int) -> None:
    mask = np.zeros((6, 10), bool)
    mask[1:3, 4:9] = True
    ys, xs = np.nonzero(turn_upright(mask, orientation))
    box = turn_boxes_upright(np.array([[4.0, 1, 9, 3]]), (6, 10), orientation)[0]
    assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


@pytest.mark.parametrize("value", [0, 9, "6", None, 2.5])
def test_nonsense_is_upright(value: object) -> None:
    assert orientation_of(turned(value)) == 1  # type: ignore[arg-type]
