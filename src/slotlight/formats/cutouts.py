"""Cutouts: each object as a PNG of its box, transparent around its mask."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from slotlight.errors import OutputError
from slotlight.formats.folders import whole_folder
from slotlight.formats.found import Found
from slotlight.images import read_photograph
from slotlight.images.saving import save_picture


def write_cutouts(found: Found, folder: Path) -> None:
    """Write ``cutouts/``: a folder for each photograph, ``1.png`` its best object; photographs are read again.

    Raises:
        ImageError: A photograph cannot be read any more.
        OutputError: It has another size now.
    """
    with whole_folder(folder / "cutouts") as partial:
        for photograph in found.photographs():
            image = read_photograph(photograph.file)
            if image.shape[:2] != (photograph.height, photograph.width):
                raise OutputError(
                    f"{photograph.file} has changed since its objects were found; run `slotlight discover` again."
                )
            pictures = cut_out(image, photograph.each_mask(), photograph.boxes_xyxy())
            for path, picture in zip(cutout_paths(partial, photograph.name), pictures, strict=False):
                save_picture(picture, path, compress_level=3)


def cutout_paths(folder: Path, name: str) -> Iterator[Path]:
    """Where the objects of a photograph go, one after the other."""
    number = 0
    while True:
        number += 1
        yield folder / name / f"{number}.png"


def cut_out(
    image: UInt8[np.ndarray, "height width 3"],
    masks: Iterable[Bool[np.ndarray, "height width"]],
    boxes_xyxy: Float[np.ndarray, "object 4"],
) -> Iterator[Image.Image]:
    """The part of a photograph in each box, as RGBA that is transparent outside the mask.

    Example:
        >>> mask = np.zeros((1, 4, 6), bool)
        >>> mask[0, 1:3, 2:5] = True
        >>> [cutout.size for cutout in cut_out(np.zeros((4, 6, 3), np.uint8), mask, np.array([[2.0, 1, 5, 3]]))]
        [(3, 2)]
    """
    for mask, box in zip(masks, boxes_xyxy, strict=True):
        left, top, right, bottom = (int(value) for value in box)
        here = (slice(top, bottom), slice(left, right))
        yield Image.fromarray(np.dstack([image[here], mask[here] * np.uint8(255)]))
