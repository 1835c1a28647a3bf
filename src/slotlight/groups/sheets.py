"""A contact sheet a group: some of its objects, cut out of their photographs, the most typical first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from PIL import Image

from slotlight.drawing import contact_sheet
from slotlight.errors import ImageError
from slotlight.formats.run_lengths import annotated_mask
from slotlight.images import read_photograph
from slotlight.images.saving import save_picture

SHOWN = 24
"""Objects on a sheet."""

_COLUMNS = 6
_SIDE = 160
_MARGIN = 0.1  # around an object's box, as a share of its longer side
_DIMMED = 0.35  # how bright the surroundings of an object stay


@dataclass(frozen=True)
class Shown:
    """An object on a sheet: its photograph and its annotation."""

    file: str
    annotation: dict[str, Any]


def spread(distances: Float[np.ndarray, " object"], most: int = SHOWN) -> Int64[np.ndarray, " shown"]:
    """Which objects of a group are shown: evenly from the most typical to the least.

    Args:
        distances: Of each object from the middle of its group.
        most: How many at most.

    Example:
        >>> spread(np.array([0.3, 0.1, 0.9, 0.5]), 3).tolist()
        [1, 3, 2]
    """
    order: Int64[np.ndarray, " object"] = np.argsort(distances, kind="stable")
    if len(order) <= most:
        return order
    chosen: Int64[np.ndarray, " chosen"] = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    return chosen


def write_sheets(sheets: Mapping[Path, Sequence[Shown]]) -> None:
    """Draw each sheet; an object whose photograph can no longer be read is left out of it."""
    for path, objects in sheets.items():
        pictures = list(_cutouts(objects))
        if pictures:
            save_picture(contact_sheet(pictures, columns=_COLUMNS, side=_SIDE), path, quality=88)


def _cutouts(objects: Sequence[Shown]) -> Iterator[Image.Image]:
    for shown in objects:
        try:
            yield cutout(shown)
        except ImageError:
            continue


def cutout(shown: Shown) -> Image.Image:
    """An object with a little of what is around it, which is dimmed.

    Raises:
        ImageError: Its photograph can no longer be read, or has another size.
    """
    image, mask = read_photograph(shown.file), annotated_mask(shown.annotation)
    if image.shape[:2] != mask.shape:
        raise ImageError(f"{shown.file} has another size than when its objects were found.")
    left, top, width, height = (round(value) for value in shown.annotation["bbox"])
    margin = max(1, round(_MARGIN * max(width, height)))
    rows = slice(max(0, top - margin), top + height + margin)
    columns = slice(max(0, left - margin), left + width + margin)
    piece = Image.fromarray(image[rows, columns])
    dimmed = Image.blend(Image.new("RGB", piece.size, "white"), piece, _DIMMED)
    return Image.composite(piece, dimmed, Image.fromarray(np.ascontiguousarray(mask[rows, columns])))
