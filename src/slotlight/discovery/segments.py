"""The winning slot of every cell of a photograph → objects: their masks, boxes and scores. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped, UInt8
from scipy.special import expit, logit

from slotlight.config import Calibration, ObjectRule
from slotlight.model.parts import connected_parts

Scores = TypeVar("Scores", float, np.ndarray)

FINEST_PIXELS = 1024  # masks are resampled smoothly up to this side, then by nearest pixel


@dataclass(frozen=True)
class PixelObjects:
    """The objects of one photograph, best first.

    Attributes:
        segments: The winning slot of every pixel, objects and background alike; an object may be of several.
        masks: One for each object, on a grid of at most `FINEST_PIXELS` cells along a side: see `EnlargedMasks`.
        boxes_xyxy: Of the enlarged masks, in pixels; left and top inclusive, right and bottom exclusive.
        scores: In [0, 1], descending.
    """

    segments: UInt8[np.ndarray, "height width"]
    masks: Bool[np.ndarray, "object rows columns"]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]


def segment_objects(
    winners: UInt8[np.ndarray, "rows columns"],
    scores: Float[np.ndarray, " slot"],
    groups: Int64[np.ndarray, " slot"],
    rule: ObjectRule,
    size: tuple[int, int],
    *,
    whole: bool = False,
    calibration: Calibration = Calibration(),  # noqa: B008
) -> PixelObjects:
    """Keep what the rule calls objects of a photograph's segments.

    Two things of a kind share a slot: each connected part of a slot, or group of slots, is an object, and scores
    the slot's score times the root of its share of the slot.

    Args:
        winners: The winning slot of every cell of `finest_grid`.
        scores: As `slotlight.segmenter.SlotMasks` has them, and so are ``groups`` and ``whole``.
        groups: The group of each slot.
        rule: What to keep.
        size: The photograph's height and width in pixels.
        whole: Whether a slot is one object even if it falls into several parts.
        calibration: What makes probabilities of the objects' scores.

    Example:
        >>> segments = np.zeros((4, 8), np.uint8)
        >>> segments[1:3, 2:5] = 1
        >>> found = segment_objects(segments, np.array([0.0, 0.5]), np.arange(2), ObjectRule(), (4, 8))
        >>> found.boxes_xyxy.tolist(), found.scores.tolist()
        ([[2.0, 1.0, 5.0, 3.0]], [0.5])
    """
    score_of = dict(zip(groups.tolist(), scores.tolist(), strict=True))
    wholes = groups.astype(np.uint8)[winners]
    least_score, least = rule.least_score(calibration), max(1, rule.min_area * winners.size)
    found = [
        (part, calibrated(score * share**0.5, calibration))
        for one, score in score_of.items()
        if score > 0 and calibrated(score, calibration) >= least_score
        for part, share in (
            [(wholes == one, 1.0)] if whole else connected_parts(wholes == one, rule.min_part)
        )
    ]
    kept = [
        (part, score) for part, score in found if score >= least_score and np.count_nonzero(part) >= least
    ]
    kept = sorted(kept, key=lambda one: -one[1])[: rule.max_objects]
    masks_found = np.array([part for part, _ in kept], dtype=bool).reshape(-1, *winners.shape)
    found_scores = np.array([score for _, score in kept], dtype=np.float32)
    boxes = mask_boxes_xyxy(masks_found, size)
    return PixelObjects(enlarged(winners, size), masks_found, boxes, found_scores)


def calibrated(score: Scores, calibration: Calibration) -> Scores:
    """The probabilities that raw scores stand for: a number, or an array of them.

    Example:
        >>> scores = np.array([0.0, 0.25, 0.5, 1.0])
        >>> calibrated(scores, Calibration(slope=2.0, intercept=0.0)).round(2).tolist()
        [0.0, 0.1, 0.5, 1.0]
    """
    if (calibration.slope, calibration.intercept) == (1, 0):
        return score
    probability: Scores = expit(calibration.slope * logit(score) + calibration.intercept)
    return probability


@dataclass(frozen=True)
class EnlargedMasks(Sequence[Bool[np.ndarray, "height width"]]):
    """Masks at a photograph's own size, one at a time: all at once, a hundred of a large one would take gigabytes.

    Attributes:
        coarse: On any grid, each cell of which stands for one or more pixels.
        size: The photograph's height and width in pixels.

    Example:
        >>> EnlargedMasks(np.array([[[True, False]]]), (1, 4))[0].tolist()
        [[True, True, False, False]]
    """

    coarse: Bool[np.ndarray, "object rows columns"]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.coarse)

    @overload
    def __getitem__(self, index: int) -> Bool[np.ndarray, "height width"]: ...
    @overload
    def __getitem__(self, index: slice) -> "EnlargedMasks": ...
    def __getitem__(self, index: int | slice) -> "Bool[np.ndarray, 'height width'] | EnlargedMasks":
        if isinstance(index, slice):
            return EnlargedMasks(self.coarse[index], self.size)
        return enlarged(self.coarse[index], self.size)


def mask_boxes_xyxy(
    masks: Bool[np.ndarray, "object height width"], size: tuple[int, int] | None = None
) -> Float[np.ndarray, "object 4"]:
    """The smallest box around each (non-empty) mask; right and bottom exclusive.

    Args:
        masks: On any grid.
        size: Of the photograph that they are enlarged to, in whose pixels the boxes are; by default, the masks' own.
    """
    columns, rows = np.any(masks, axis=1), np.any(masks, axis=2)
    if size is not None:
        rows, columns = rows[:, _cells(rows.shape[1], size[0])], columns[:, _cells(columns.shape[1], size[1])]
    left, top = columns.argmax(axis=1), rows.argmax(axis=1)
    right = columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    bottom = rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    return np.stack([left, top, right, bottom], axis=1).astype(np.float32)


def finest_grid(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the cells on which a photograph's objects are found: at most `FINEST_PIXELS` a side."""
    shrink = min(1.0, FINEST_PIXELS / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def enlarged(
    cells: Shaped[np.ndarray, "rows columns"], size: tuple[int, int]
) -> Shaped[np.ndarray, "height width"]:
    """Cells at a photograph's own size, by nearest pixel."""
    if cells.shape == size:
        return cells
    pixels: Shaped[np.ndarray, "height width"] = cells[_cells(cells.shape[0], size[0])][
        :, _cells(cells.shape[1], size[1])
    ]
    return pixels


def cells_of(segments: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "rows columns"]:
    """The cells that were `enlarged` to segments at the photograph's own size.

    Example:
        >>> cells = np.arange(1024, dtype=np.uint8)[:, None].repeat(3, axis=1)
        >>> bool((cells_of(enlarged(cells, (1500, 4))) == cells).all())
        True
    """
    grid = finest_grid((segments.shape[0], segments.shape[1]))
    rows, columns = (
        -(-np.arange(count) * pixels // count) for count, pixels in zip(grid, segments.shape, strict=True)
    )
    cells: UInt8[np.ndarray, "rows columns"] = segments[rows][:, columns]
    return cells


def _cells(count: int, pixels: int) -> Int64[np.ndarray, " pixel"]:
    """The cell in which each of a number of pixels lies."""
    return np.arange(pixels) * count // pixels
