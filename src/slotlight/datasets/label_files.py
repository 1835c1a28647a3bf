"""Label files → maps in the upright frame of their photograph; whatever is wrong with one is named.

A label's own size says in which frame it was drawn: that of the photograph as it is seen, or that of the stored pixels,
which EXIF may turn. Labels of the stored frame are turned with their photograph, and this is said once a folder.
"""

import glob
import logging
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped, UInt8
from numpy.typing import NDArray
from PIL import Image

from slotlight.errors import DatasetError, ImageError
from slotlight.images.files import Encoded, PhotographSize, despite_metadata, opened, read_size
from slotlight.images.orientation import UPRIGHT, turn_upright

VOID = 255
"""The value of pixels that belong to nothing and are not to be judged."""

_LOG = logging.getLogger("slotlight")
_FEW_GREYS = 16
"""A mask of more grey levels has soft edges."""
_FEW_COLOURS = 256


def foreground_of(labels: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """1 where a map of classes or instances has any; background and void stay what they are.

    Example:
        >>> foreground_of(np.array([[0, 3, 255]], np.uint8)).tolist()
        [[0, 1, 255]]
    """
    return np.where(labels == VOID, labels, np.minimum(labels, 1))


def read_label_map(path: Path, image: Path, *, highest: int = VOID - 1) -> UInt8[np.ndarray, "height width"]:
    """Read a palette, grey or coloured label file in the upright frame of its photograph.

    Colours are looked up among VOC's; where one is not among them, the file's colours are numbered from 1, and black is
    background. A palette's colours count in place of its indices where its black is not index 0.

    Args:
        path: The label file; its palette indices (or grey levels) are the labels.
        image: The photograph, whose size it must have.
        highest: The greatest valid label.

    Raises:
        DatasetError: It is missing, unreadable, of another size, or has a label out of range.
    """
    pixels = _read_pixels(path, image)
    labels = pixels if pixels.ndim == 2 else _labels_of_colours(pixels, path)
    if labels.dtype.kind not in "bui":
        raise DatasetError(
            f"The label file {path} holds {labels.dtype}; save it with whole numbers from 0 to 255."
        )
    beyond = min(labels.min(initial=0), 0) or labels.max(initial=0)
    if not 0 <= beyond <= VOID:
        raise DatasetError(
            f"The label file {path} has label {beyond}; valid: 0 to {highest}, {VOID} for void."
        )
    labels = labels.astype(np.uint8)
    values = np.flatnonzero(np.bincount(labels.ravel()))  # many times as fast as np.unique
    wrong = values[(values > highest) & (values != VOID)]
    if wrong.size:
        raise DatasetError(
            f"The label file {path} has label {wrong[0]}; valid: 0 to {highest}, {VOID} for void."
        )
    return labels


def read_binary_mask(path: Path, image: Path) -> UInt8[np.ndarray, "height width"]:
    """Read a mask of any mode: 1 is foreground, which is whatever is not background.

    Background is black (index 0 of a palette, transparent). A grey mask with soft edges, recognised by many levels up
    to white, is cut at half of white.

    Raises:
        DatasetError: It is missing, unreadable or of another size than its photograph.
    """
    return _foreground(_read_pixels(path, image)).astype(np.uint8)


def is_empty_mask(path: Path, void: int | None = None) -> bool:
    """Whether a mask can be read and has no foreground.

    Args:
        path: The mask.
        void: The grey level or index that is no foreground either.
    """
    try:
        pixels = despite_metadata(path, _decoded)
    except ImageError:
        return False
    if void is not None and pixels.ndim == 2:
        pixels = np.where(pixels == void, 0, pixels)
    return not _foreground(pixels).any()


def frame_of(label_size: tuple[int, int], label: str, image: Path) -> int:
    """The orientation by which a label of (height, width) must be turned to lie upright upon its photograph.

    Raises:
        DatasetError: The label's size is the photograph's in neither frame.
        ImageError: The photograph cannot be read.
    """
    size: PhotographSize = read_size(image)
    if label_size == size.upright:
        return UPRIGHT
    if label_size == size.stored:
        _say_turned(image.parent)
        return size.orientation
    (height, width), (seen_height, seen_width) = label_size, size.upright
    raise DatasetError(
        f"{label} is {width}×{height} but its photograph is {seen_width}×{seen_height}; "
        "use the photographs that were annotated."
    )


@cache
def _say_turned(folder: Path) -> None:
    _LOG.warning(
        "Photographs in %s are stored rotated, and their labels have the size of the stored pixels: both are turned "
        "upright.",
        folder,
    )


def _read_pixels(path: Path, image: Path) -> NDArray[Any]:
    if not path.is_file():
        near = sorted(path.parent.glob(f"{glob.escape(path.stem)}*"))
        found = (
            f", but not {near[0].name}: name masks like their photographs, and save them as PNG"
            if near
            else ""
        )
        raise DatasetError(f"The label file {path} is missing; every photograph needs one{found}.")
    try:
        pixels = despite_metadata(path, _decoded)
    except ImageError as error:
        raise DatasetError(f"The label file {error}") from None
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise DatasetError(
            f"The label file {path} has values that are not finite; save it with whole numbers."
        )
    orientation = frame_of((pixels.shape[0], pixels.shape[1]), f"The label file {path}", image)
    return turn_upright(pixels, orientation)


def _decoded(file: Path | Encoded) -> NDArray[Any]:
    with opened(file) as image:
        return _mask_pixels(image)


def _pixels(file: Image.Image) -> NDArray[Any]:
    """Palette indices, grey levels, or RGB with what is transparent black."""
    file.load()
    if file.mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        rgba = np.asarray(file.convert("RGBA"))
        colours = np.where(rgba[..., 3:] > 127, rgba[..., :3], 0).astype(np.uint8)
        return colours[..., 0] if file.mode in ("LA", "La") else colours
    if file.mode == "P" or file.mode == "L" or file.mode == "1" or file.mode.startswith(("I", "F")):
        return np.asarray(file)
    return np.asarray(file.convert("RGB"))


def _mask_pixels(file: Image.Image) -> NDArray[Any]:
    """As `_pixels`; but where a palette's black is not its index 0, colours say what is background."""
    pixels = _pixels(file)
    if file.mode != "P":
        return pixels
    colours = np.array(file.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
    if not colours[0].any():
        return pixels
    used = np.flatnonzero(np.bincount(pixels.ravel(), minlength=len(colours))[: len(colours)])
    return pixels if colours[used].any(axis=1).all() else np.asarray(file.convert("RGB"))


def _foreground(pixels: NDArray[Any]) -> Bool[np.ndarray, "height width"]:
    if pixels.ndim == 3:
        colours, levels = len(np.unique(_codes(pixels))), pixels.max(2)
        return np.asarray(levels > (0 if colours <= _FEW_COLOURS else VOID // 2))
    highest = pixels.max(initial=0)
    if pixels.dtype.kind == "b" or highest <= VOID // 2 or len(np.unique(pixels)) <= _FEW_GREYS:
        return np.asarray(pixels != 0)
    return np.asarray(pixels > (VOID // 2 if highest <= VOID else highest // 2))


def _codes(colours: Shaped[np.ndarray, "height width 3"]) -> NDArray[np.int64]:
    """One number a colour."""
    return np.asarray(colours.astype(np.int64) @ np.array([65536, 256, 1]))


@cache
def _voc_colours() -> dict[int, int]:
    """VOC's colour map: the bits of a label, dealt out to red, green and blue from their highest bits down."""
    labels = np.arange(256)
    colours = np.zeros((256, 3), np.int64)
    for place in range(8):
        for channel in range(3):
            colours[:, channel] |= ((labels >> (3 * place + channel)) & 1) << (7 - place)
    return {int(code): int(label) for label, code in enumerate(_codes(colours[None])[0])}


def _labels_of_colours(
    colours: Shaped[np.ndarray, "height width 3"], path: Path
) -> Shaped[np.ndarray, "height width"]:
    values, places = np.unique(_codes(colours), return_inverse=True)
    if len(values) > _FEW_COLOURS - 1:
        raise DatasetError(
            f"The label file {path} has {len(values)} colours, more than there are labels; save it without "
            "lossy compression or soft edges."
        )
    known = _voc_colours()
    if all(value in known for value in values.tolist()):
        table = np.array([known[value] for value in values.tolist()])
    elif (colours == colours[..., :1]).all():  # grey that was saved as RGB
        return colours[..., 0]
    else:
        table = np.arange(len(values)) + (1 if values[0] else 0)
    return table[places].reshape(colours.shape[:2])
