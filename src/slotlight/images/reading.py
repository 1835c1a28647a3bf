"""A file, PIL image, array or tensor → an RGB array; its size for a backbone.

Imports no torch: `slotlight.images.resizing` does. Everything that can be wrong with a photograph's pixels is found
here, and said in one sentence that names it; faults of files are found in `slotlight.images.files`.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from slotlight.errors import ImageError
from slotlight.images.files import DECODING, Encoded, despite_metadata, named_faults, opened
from slotlight.images.orientation import orientation_of, turn_upright


@runtime_checkable
class TensorLike(Protocol):
    """A `torch.Tensor`, known by what it can do, so that torch need not be there to ask."""

    def detach(self) -> Any:
        """Its values, without what led to them."""
        ...

    def is_floating_point(self) -> bool:
        """Whether its numbers have fractions."""
        ...


Photograph: TypeAlias = str | Path | Encoded | Image.Image | np.ndarray | TensorLike
"""What `read_photograph` takes: arrays are height × width (× channel), tensors channel × height × width."""

RGBImage: TypeAlias = UInt8[np.ndarray, "height width 3"]

MAX_ASPECT = 8.0
"""Beyond 1:8 a photograph is squashed, else one row of patches would be left of it."""

_BAND_PIXELS = 1_000_000
"""Photographs become arrays in bands of so many pixels, because each step of Pillow's makes a copy."""

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras, scanners and microscopes put into 16."""


def read_photograph(source: Photograph, *, min_side: int | None = None) -> RGBImage:
    """Read a photograph as it should be seen: upright, 8-bit RGB.

    Grey, palette and CMYK become RGB; of an animation the first frame is taken; what is transparent is laid on white.
    Arrays and tensors are uint8, uint16, bool, or floats in [0, 1]. Of 16-bit values, white is the greatest number of
    8, 10, 12, 14 or 16 bits, whichever is the first that no value exceeds (a TIFF may name it): a camera's 12 bits in a
    16-bit file are not nearly black.

    Args:
        source: A path, a file in memory (`Encoded`), PIL image, array (height, width[, channel]) or tensor (channel,
            height, width).
        min_side: Where a small picture is enough: a JPEG may be decoded at a half, a quarter or an eighth,
            as long as its shorter side keeps this many pixels. Three times as fast on a large photograph.

    Raises:
        ImageError: It is missing, empty, damaged, too large (`set_max_pixels`) or not an image.

    Example:
        >>> read_photograph(np.zeros((2, 3), np.uint8)).shape
        (2, 3, 3)
    """
    if isinstance(source, TensorLike):
        with named_faults("The tensor"):
            return _from_array(_channels_last(source), "The tensor")
    if isinstance(source, np.ndarray):
        return _from_array(source, "The array")
    if isinstance(source, Image.Image):
        with named_faults("The PIL image"):
            return _from_pil(source, "The PIL image")
    file = Path(source) if isinstance(source, str) else source
    return despite_metadata(file, lambda one: _decode(one, min_side))


def _decode(file: Path | Encoded, min_side: int | None) -> RGBImage:
    with ExitStack() as held:
        with opened(file) as image:
            if min_side is not None:  # formats other than JPEG ignore a draft
                short = min(image.size)
                image.draft(None, (image.width * min_side // short, image.height * min_side // short))
            held.enter_context(DECODING.take(image.width * image.height))
            levels = _from_pil(image, file.name if isinstance(file, Encoded) else str(file))
        del image  # its pixels, too, before the next photograph has its turn
        return levels


def _from_pil(image: Image.Image, name: str) -> RGBImage:
    deep_colours = ";16" in str(getattr(image, "tile", ""))  # which Pillow cuts to their upper 8 bits
    image.load()
    if 0 in image.size:
        raise ImageError(f"{name} has no pixels: its size is {image.width}×{image.height}.")
    orientation = orientation_of(image)
    if image.mode.startswith(("I", "F")):  # 16 and 32 bits a pixel, which Pillow would clip to 8
        return turn_upright(_from_deep(image, name), orientation)
    levels = _to_rgb(image)
    if deep_colours and not image.has_transparency_data:
        levels = _brightened(levels)
    return turn_upright(levels, orientation)


def _to_rgb(image: Image.Image) -> RGBImage:
    levels = np.empty((image.height, image.width, 3), np.uint8)
    for rows, band in _bands(image):
        levels[rows] = np.asarray(_without_alpha(band))
    return levels


def _from_deep(image: Image.Image, name: str) -> RGBImage:
    """Grey of 16 or 32 bits; all of its pixels decide which value is white."""
    whites = [_white_of(np.asarray(band)) for _, band in _bands(image)]
    white = _named_white(image) or max(filter(None, whites), default=None)
    levels = np.empty((image.height, image.width, 3), np.uint8)
    for rows, band in _bands(image):
        levels[rows] = _from_array(np.asarray(band), name, white)
    return levels


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """A photograph in pieces of its whole width, and the rows of each."""
    height = max(1, _BAND_PIXELS // max(1, image.width))
    if height >= image.height:
        yield slice(None), image
        return
    for top in range(0, image.height, height):
        bottom = min(top + height, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _named_white(image: Image.Image) -> float | None:
    """The greatest value that a TIFF's header allows, if it is less than 16 bits hold."""
    tags = getattr(image, "tag_v2", {})
    bits, highest = tags.get(258, (16,)), tags.get(281, (65535,))
    white = min(2 ** int(np.max(bits)) - 1, int(np.max(highest)))
    return float(white) if 0 < white < 65535 else None


def _brightened(levels: RGBImage) -> RGBImage:
    """Colours whose upper 8 of 16 bits are almost unused, because they had fewer bits."""
    highest = int(levels.max(initial=0))
    white = next(2 ** (bits - 8) - 1 for bits in _DEPTHS[1:] if highest < 2 ** (bits - 8))
    return levels if white == 255 else (levels.astype(np.uint16) * 255 // white).astype(np.uint8)


def _channels_last(given: TensorLike) -> NDArray[np.generic]:
    tensor = given.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    array: NDArray[np.generic] = tensor.numpy()
    return np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _from_array(array: NDArray[np.generic], name: str, white: float | None = None) -> RGBImage:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise ImageError(
            f"{name} has shape {array.shape}; give (height, width), or 1, 3 or 4 channels, "
            "last in an array, first in a tensor."
        )
    levels = _to_8_bit(array, name, white)
    if levels.shape[2] == 4:
        return _to_rgb(Image.fromarray(levels))
    return levels


def _to_8_bit(
    array: NDArray[np.generic], name: str, white: float | None
) -> UInt8[np.ndarray, "height width channel"]:
    """A new array of 3 channels, or of 4 where there are 4."""
    levels = np.empty((*array.shape[:2], max(3, array.shape[2])), np.uint8)
    if array.dtype == np.uint8:
        levels[:] = array
        return levels
    white = white or _white_of(array)
    if white is None:
        raise ImageError(f"{name} holds {array.dtype}; give uint8, uint16, bool, or floats in [0, 1].")
    rows = max(1, _BAND_PIXELS // array.shape[1])
    for top in range(0, len(array), rows):
        share = array[top : top + rows].astype(np.float32) / white
        if not ((share >= 0) & (share <= 1)).all():  # NaN too
            raise ImageError(f"{name} holds values outside [0, {white:g}]; scale its {array.dtype} to that.")
        levels[top : top + rows] = np.rint(share * 255)
    return levels


def _white_of(array: NDArray[np.generic]) -> float | None:
    if array.dtype.kind in "bf":
        return 1.0
    if array.dtype.newbyteorder("=").name not in ("uint16", "int32"):  # as Pillow holds 16-bit files
        return None
    highest = int(array.max())
    return float(next((2**bits - 1 for bits in _DEPTHS if highest < 2**bits), 65535))


def fit_size(height: int, width: int, image_size: int, patch_size: int) -> tuple[int, int]:
    """The (height, width) that a photograph of some size is resized to.

    Both are multiples of `patch_size`, at least one patch; their product is about ``image_size²``; the aspect
    ratio is kept as nearly as whole patches allow, up to `MAX_ASPECT`. So every photograph costs about the
    same.

    Example:
        >>> fit_size(375, 500, image_size=320, patch_size=16)
        (272, 368)
    """
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    rows = max(1, round(image_size / patch_size / math.sqrt(aspect)))
    columns = max(1, round(image_size / patch_size * math.sqrt(aspect)))
    return rows * patch_size, columns * patch_size
