"""Large photographs looked at twice: whole, and closer, in tiles that overlap; what both find becomes one result.

No label takes part: of two objects that are nearly one, that of the better score stays.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.segments import PixelObjects, finest_grid, mask_boxes_xyxy
from slotlight.formats.run_lengths import RunLengths, mask_overlaps
from slotlight.images import Photograph
from slotlight.parallel import WORKERS, worker_pool

if TYPE_CHECKING:
    from slotlight.discovery.discoverer import Discoverer, OnError, Ready, Tagged

LARGE = 1.5
"""Photographs of at most so many times a model's own side have no tiles."""

OVERLAP = 0.25
"""Of neighbouring tiles, as a share of their side."""

SAME = 0.5
"""Objects of this IoU are one."""

CLOSER = 0.5
"""What the score of a tile's object is worth: at the same score it is right about half as often."""


@dataclass(frozen=True)
class Tile:
    """A part of a photograph: rows from ``top`` to before ``bottom``, columns from ``left`` to before ``right``."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
        """Its pixels."""
        return image[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class _Look:
    """One look at a photograph: at a tile, or for None at the whole, which comes first."""

    photograph: "Ready"
    tile: Tile | None
    is_last: bool


def tiles_of(size: tuple[int, int], count: int) -> list[Tile]:
    """So many tiles along each side, which overlap by a quarter of theirs.

    Args:
        size: The photograph's height and width in pixels.
        count: Along each side.

    Example:
        >>> tiles_of((70, 140), 2)[-1]
        Tile(top=30, left=60, bottom=70, right=140)
    """
    rows, columns = (_spans(pixels, count) for pixels in size)
    return [Tile(top, left, bottom, right) for top, bottom in rows for left, right in columns]


def stream_in_tiles(
    discoverer: "Discoverer",
    photographs: "Iterable[Photograph | Tagged]",
    *,
    batch_size: int,
    seed: int,
    on_error: "OnError | None",
) -> Iterator[Discovery]:
    """What `Discoverer.stream` does for a rule with tiles."""
    plain = copy(discoverer)
    plain.rule = replace(discoverer.rule, tiles=1)
    least_score = discoverer.rule.least_score(discoverer.calibration)
    looks: list[Discovery] = []
    with worker_pool() as pool:
        ready = discoverer.read_ahead(photographs, WORKERS, pool, on_error)
        for found in plain.stream(_looks(discoverer, ready), batch_size=batch_size, seed=seed):
            looks.append(found)
            look = cast(_Look, found.tag)
            if look.is_last:
                yield look.photograph.discovery(_merged(looks, least_score, discoverer.rule.max_objects))
                looks = []


def _looks(discoverer: "Discoverer", photographs: "Iterable[Ready]") -> "Iterator[Tagged]":
    from slotlight.discovery.discoverer import Tagged

    for one in photographs:
        height, width, _ = one.image.shape
        is_large = (height * width) ** 0.5 > LARGE * discoverer.segmenter.image_size
        tiles = tiles_of((height, width), discoverer.rule.tiles) if is_large else []
        yield Tagged(one.image, _Look(one, None, is_last=not tiles))
        for tile in tiles:
            yield Tagged(tile.of(one.image), _Look(one, tile, is_last=tile is tiles[-1]))


def _merged(looks: Sequence[Discovery], least_score: float, most: int) -> PixelObjects:
    """The objects of a photograph from the whole and from its tiles, best first."""
    whole, *closer = looks
    size = (whole.image.shape[0], whole.image.shape[1])
    masks, scores = [whole.coarse_masks], [whole.scores]
    for found in closer:
        tile = cast(Tile, cast(_Look, found.tag).tile)
        inside = ~_is_cut(found.coarse_masks, tile, size)
        masks.append(placed(found.coarse_masks[inside], tile, size))
        scores.append(found.scores[inside] * np.float32(CLOSER))
    every, score = np.concatenate(masks), np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    order = order[(score[order] >= least_score) & every[order].any(axis=(1, 2))]
    kept = order[distinct(every[order])][:most]
    return PixelObjects(whole.segments, every[kept], mask_boxes_xyxy(every[kept], size), score[kept])


def placed(
    masks: Bool[np.ndarray, "object tilerows tilecolumns"], tile: Tile, size: tuple[int, int]
) -> Bool[np.ndarray, "object rows columns"]:
    """Masks of a tile on the grid of its photograph, by nearest cell.

    Example:
        >>> placed(np.ones((1, 2, 2), bool), Tile(0, 2, 2, 4), (2, 4))[0].astype(int).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    grid = finest_grid(size)
    on_grid = np.zeros((len(masks), *grid), bool)
    (rows, from_rows), (columns, from_columns) = (
        _nearest(grid[axis], size[axis], ends, masks.shape[1 + axis])
        for axis, ends in enumerate(((tile.top, tile.bottom), (tile.left, tile.right)))
    )
    on_grid[:, rows[:, None], columns] = masks[:, from_rows[:, None], from_columns]
    return on_grid


def distinct(masks: Bool[np.ndarray, "object rows columns"]) -> Int64[np.ndarray, " kept"]:
    """Which of some masks, best first, are of objects of their own: those that no better one nearly equals.

    Example:
        >>> masks = np.zeros((3, 4, 4), bool)
        >>> masks[0, :2], masks[1, :2, :3], masks[2, 0, :2] = True, True, True
        >>> distinct(masks).tolist()
        [0, 2]
    """
    if not len(masks):
        return np.zeros(0, np.int64)
    codes = RunLengths.encode(masks)
    iou = mask_overlaps(codes, codes)
    kept: list[int] = []
    for number in range(len(masks)):
        if not kept or iou[number, kept].max() < SAME:
            kept.append(number)
    return np.array(kept, np.int64)


def _is_cut(
    masks: Bool[np.ndarray, "object rows columns"], tile: Tile, size: tuple[int, int]
) -> Bool[np.ndarray, " object"]:
    """Whether each touches a side of its tile that lies inside the photograph: there the object goes on."""
    sides = (
        (tile.top > 0, masks[:, 0]),
        (tile.left > 0, masks[:, :, 0]),
        (tile.bottom < size[0], masks[:, -1]),
        (tile.right < size[1], masks[:, :, -1]),
    )
    touched = [side.any(axis=1) for is_inner, side in sides if is_inner]
    cut: Bool[np.ndarray, " object"] = np.any(touched, axis=0)
    return cut


def _spans(pixels: int, count: int) -> list[tuple[int, int]]:
    side = pixels / (count - (count - 1) * OVERLAP)
    starts = [round(number * side * (1 - OVERLAP)) for number in range(count)]
    return [(start, min(pixels, start + round(side))) for start in starts]


def _nearest(
    cells: int, pixels: int, ends: tuple[int, int], tile_cells: int
) -> tuple[Int64[np.ndarray, " cell"], Int64[np.ndarray, " cell"]]:
    """The photograph's cells whose middle lies in a tile, and the tile's cell there."""
    middles = (np.arange(cells) + 0.5) * pixels / cells
    inside = np.flatnonzero((middles >= ends[0]) & (middles < ends[1]))
    return inside, ((middles[inside] - ends[0]) * tile_cells / (ends[1] - ends[0])).astype(np.int64)
