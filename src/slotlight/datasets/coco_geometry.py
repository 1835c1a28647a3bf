"""One COCO annotation's box and segmentation, checked before any decoder of C sees them, and completed from each other.

Decoders written in C crash or run for ever on run lengths that are too long and on polygons that lie far away.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as run_lengths
from jaxtyping import UInt8

from slotlight.datasets.coco_file import GEOMETRY, Entry, check_fields
from slotlight.errors import DatasetError
from slotlight.images.orientation import UPRIGHT, turn_boxes_upright, turn_upright

_FAR = 10
"""A polygon may not leave its image by more than so many times the image's longer side."""


def complete(annotation: Entry, size: tuple[int, int], where: str, orientation: int = UPRIGHT) -> Entry:
    """An annotation in the upright frame with box, area and, if it has any, its mask as run lengths.

    Args:
        annotation: As `slotlight.datasets.coco_file.read_coco_file` gives it.
        size: (height, width) of its image, as the file says.
        where: How a sentence calls it.
        orientation: Turn it by this.

    Raises:
        DatasetError: It has neither box nor segmentation, or one of them is not one.
    """
    check_fields(annotation, GEOMETRY, where)
    rle = _encode(annotation.get("segmentation"), size, where)
    box: list[float] = annotation.get("bbox") or []
    if rle is not None and not box:
        box = _box_of(annotation["segmentation"], rle)
    if not box:
        raise DatasetError(f"{where} has neither a bbox nor a segmentation; give it one of them.")
    area = annotation.get("area", float(run_lengths.area(rle)) if rle else box[2] * box[3])
    if orientation != UPRIGHT:
        rle = rle and _encode_mask(turn_upright(_decode(rle), orientation))
        x, y, width, height = box
        corners = turn_boxes_upright(np.array([[x, y, x + width, y + height]], float), size, orientation)[0]
        box = [*corners[:2].tolist(), *(corners[2:] - corners[:2]).tolist()]
    known = {key: value for key, value in annotation.items() if key != "segmentation"}
    return {**known, "bbox": box, "area": area} | ({"segmentation": rle} if rle else {})


def _box_of(segmentation: Any, rle: Entry) -> list[float]:
    """The box of a segmentation: of a polygon's corners, which need not lie on pixels, or of a mask's pixels."""
    if isinstance(segmentation, dict):
        return [float(value) for value in run_lengths.toBbox(rle)]
    polygons = [polygon for polygon in _polygons(segmentation) if len(polygon) >= 6]
    points = np.concatenate([np.array(polygon, float).reshape(-1, 2) for polygon in polygons])
    low, high = points.min(0), points.max(0)
    return [*low.tolist(), *(high - low).tolist()]


def _encode(segmentation: Any, size: tuple[int, int], where: str) -> Entry | None:
    if not segmentation:
        return None
    if isinstance(segmentation, dict):
        return _encode_run_lengths(segmentation, size, where)
    polygons = _polygons(segmentation)
    for polygon in polygons:
        _check_polygon(polygon, size, where)
    polygons = [polygon for polygon in polygons if len(polygon) >= 6]
    if not polygons:
        if any(_polygons(segmentation)):
            raise DatasetError(f"{where} has polygons of fewer than 3 points; a polygon needs at least 3.")
        return None
    merged: Entry = run_lengths.merge(run_lengths.frPyObjects(polygons, *size))
    return merged


def _polygons(segmentation: list[Any]) -> list[Any]:
    """A list of flat polygons, from that, one flat polygon, or one list of points."""
    if not isinstance(segmentation[0], list):
        return [segmentation]
    if len(segmentation) >= 3 and all(isinstance(point, list) and len(point) == 2 for point in segmentation):
        return [[number for point in segmentation for number in point]]
    return [polygon for polygon in segmentation if polygon != []]


def _check_polygon(polygon: Any, size: tuple[int, int], where: str) -> None:
    if not isinstance(polygon, list) or not all(type(value) in (int, float) for value in polygon):
        raise DatasetError(
            f"{where} has a polygon that is not a list of numbers; write [x1, y1, x2, y2, ...]."
        )
    if len(polygon) % 2:
        raise DatasetError(f"{where} has a polygon of {len(polygon)} numbers; it needs two for each point.")
    if not all(abs(value) <= _FAR * max(size) for value in polygon):  # NaN too
        raise DatasetError(
            f"{where} has a polygon with a corner that is not finite or lies far outside its {size[1]}×{size[0]} image."
        )


def _encode_run_lengths(segmentation: Entry, size: tuple[int, int], where: str) -> Entry:
    given = segmentation.get("size")
    if given != list(size):
        swapped = given == list(size[::-1])
        cause = (
            "is [width, height]; COCO's is [height, width]" if swapped else f"is not its image's {list(size)}"
        )
        raise DatasetError(f"{where} has run lengths whose size {given!r} {cause}.")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        runs = list(_uncompress(counts))
    elif isinstance(counts, list) and all(type(run) in (int, float) and run % 1 == 0 for run in counts):
        runs = [int(run) for run in counts]
    else:
        raise DatasetError(f"{where} has run lengths without a text or a list of whole counts.")
    if not runs or min(runs) < 0 or sum(runs) != size[0] * size[1]:
        raise DatasetError(
            f"{where} has run lengths that do not add up to the {size[0] * size[1]:,} pixels of its image."
        )
    encoded: Entry = run_lengths.frPyObjects({"size": list(size), "counts": runs}, *size)
    return encoded


def _uncompress(text: str) -> Iterator[int]:
    """The runs of COCO's compressed text: five bits a character, from the third on as differences to the last but one.

    What is not such a text gives -1, which is not a run.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            yield -1
            return
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            yield runs[-1]
            value = shift = 0
    if shift:
        yield -1


def _decode(rle: Entry) -> UInt8[np.ndarray, "height width"]:
    return np.asarray(run_lengths.decode(rle), np.uint8)


def _encode_mask(mask: np.ndarray) -> Entry:
    encoded: Entry = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
    return encoded
