"""Masks → polygons that give the masks back, in the two conventions that tools draw polygons by.

COCO's tools fill the area that a polygon encloses, so it runs along the *edges* of pixels. OpenCV (YOLO's tools,
supervision) and PIL paint the outline too, so it runs through the *centres* of the outermost pixels. Drawn by the other
convention, a polygon is wrong by half a pixel all around, which is all of a thin object.

contourpy traces the contours: their vertices lie halfway between a pixel inside and one outside, and these two pixels
give both the edge and the centre.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import contourpy
import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

Ring = Float[np.ndarray, "_ 2"]
"""Points x, y in pixels, from the photograph's left and top edge; it closes by itself."""


def edge_polygons(mask: Bool[np.ndarray, "height width"]) -> list[Ring]:
    """A polygon for each part of a mask along the edges of its pixels, as COCO has it; the parts' union is the mask.

    A hole is joined to the outline by a slit of no width. Pixels that touch at a corner may be parts of their own.

    Example:
        >>> mask = np.zeros((4, 6), bool)
        >>> mask[1:3, 2:5] = True
        >>> [sorted(map(tuple, polygon.tolist())) for polygon in edge_polygons(mask)]
        [[(2.0, 1.0), (2.0, 3.0), (5.0, 1.0), (5.0, 3.0)]]
    """
    return [_joined([_corners(ring) for ring in rings]) for rings in _contours(mask)]


def centre_polygon(mask: Bool[np.ndarray, "height width"]) -> Ring:
    """One polygon through the centres of a mask's outermost pixels, as YOLO has it: (0, 0) is the first pixel's centre.

    Holes, and parts of their own, are joined to the rest by a line there and back, which OpenCV paints a pixel wide.
    """
    return _joined([_inner_pixels(mask, ring) for rings in _contours(mask) for ring in rings])


def _contours(mask: Bool[np.ndarray, "height width"]) -> Iterator[list[Ring]]:
    """For each part of a mask its outline and then its holes: points on the borders between two pixels' centres."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    corner = (int(columns[0]), int(rows[0]))
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    generator = contourpy.contour_generator(
        z=np.pad(crop, 1).astype(np.float64), fill_type=contourpy.FillType.OuterOffset
    )
    # Of the forms that contourpy knows, OuterOffset is points, and where in them each ring ends.
    points, offsets = cast(tuple[list[Ring], list[list[int]]], generator.filled(0.5, np.inf))
    for part, ends in zip(points, offsets, strict=True):
        shifted = part + np.subtract(corner, 1)
        yield [shifted[start : end - 1] for start, end in pairwise(ends)]


def _corners(ring: Ring) -> Ring:
    """The corner of pixels between each two neighbouring points of a contour; corners are at halves of pixels."""
    following = np.roll(ring, -1, axis=0)
    is_half, next_is_half = ring % 1 != 0, following % 1 != 0
    return np.where(is_half, ring, np.where(next_is_half, following, (ring + following) / 2)) + 0.5


def _inner_pixels(mask: Bool[np.ndarray, "height width"], ring: Ring) -> Ring:
    """Of the two pixels that each point of a contour lies between, the one inside."""
    first, second = np.floor(ring).astype(int), np.ceil(ring).astype(int)
    height, width = mask.shape
    within = (first >= 0).all(axis=1) & (first[:, 0] < width) & (first[:, 1] < height)
    clipped = first.clip(0, (width - 1, height - 1))
    is_inside = within & mask[clipped[:, 1], clipped[:, 0]]
    pixels: Ring = np.where(is_inside[:, None], first, second).astype(np.float64)
    return pixels


def _joined(rings: Sequence[Ring]) -> Ring:
    """All rings as one: again and again the nearest that is left, by the shortest line to it and back."""
    if not rings:
        return np.zeros((0, 2))
    joined, left = rings[0], list(rings[1:])
    while left:
        tree = KDTree(joined)
        distances, places = zip(*(tree.query(ring) for ring in left), strict=True)
        chosen = int(np.argmin([distance.min() for distance in distances]))
        ring, start = left.pop(chosen), int(distances[chosen].argmin())
        place = int(places[chosen][start])
        turned = np.roll(ring, -start, axis=0)
        joined = np.concatenate([joined[: place + 1], turned, turned[:1], joined[place:]])
    return _turning_points(joined)


def _turning_points(ring: Ring) -> Ring:
    """A ring without the points that say nothing: repeated ones, and those amid steps of equal direction."""
    repeated = (ring == np.roll(ring, 1, axis=0)).all(axis=1)
    ring = ring[:1] if repeated.all() else ring[~repeated]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = (before != after).any(axis=1)
    return ring[turns] if turns.any() else ring[:1]
