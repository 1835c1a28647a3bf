"""Photographs that are stored turned: what their EXIF says, and arrays and boxes turned with them."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import ExifTags, Image

UPRIGHT = 1
_SWAPPING = (5, 6, 7, 8)
"""Orientations that swap width and height."""


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; upright where there is none or it cannot be read.

    Broken metadata does not make the pixels unreadable, so nothing is raised.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # Pillow's parsers raise whatever the bytes happen to trip
        return UPRIGHT
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether turning a photograph upright swaps its width and height."""
    return orientation in _SWAPPING


def turn_upright(array: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Turn an array (height, width, ...) from the stored frame to the upright one.

    Example:
        >>> turn_upright(np.array([[1, 2, 3]]), orientation=6).tolist()
        [[1], [2], [3]]
    """
    if swaps_sides(orientation):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def turn_boxes_upright(
    boxes_xyxy: Float[np.ndarray, "object 4"], stored: tuple[int, int], orientation: int
) -> Float[np.ndarray, "object 4"]:
    """Turn boxes from the stored frame of (height, width) to the upright one.

    Example:
        >>> turn_boxes_upright(np.array([[0.0, 0, 1, 2]]), stored=(2, 3), orientation=6).tolist()
        [[0.0, 0.0, 2.0, 1.0]]
    """
    x0, y0, x1, y1 = boxes_xyxy.T
    height, width = stored
    if swaps_sides(orientation):
        x0, y0, x1, y1 = y0, x0, y1, x1
        height, width = width, height
    if orientation in (3, 4, 7, 8):
        y0, y1 = height - y1, height - y0
    if orientation in (2, 3, 6, 7):
        x0, x1 = width - x1, width - x0
    return np.stack([x0, y0, x1, y1], axis=1)
