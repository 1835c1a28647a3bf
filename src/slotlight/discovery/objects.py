"""Slot masks → objects: which slots are objects, their pixel masks, boxes and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Shaped, UInt8
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import ObjectRule
from slotlight.model.parts import connected_parts
from slotlight.segmenter import Regions

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


def pixel_objects(
    masks: Float[Tensor, "slot rows columns"],
    scores: Float[Tensor, " slot"],
    size: tuple[int, int],
    rule: ObjectRule,
    groups: Int64[Tensor, " slot"] | None = None,
    *,
    whole: bool = False,
) -> PixelObjects:
    """Bring one photograph's slot masks to its own size and keep what the rule calls objects.

    Two things of a kind share a slot: each connected part of a slot, or group of slots, is an object, and scores
    the slot's score times the root of its share of the slot.

    Args:
        masks: On any grid.
        scores: As `SlotMasks` has them.
        groups: As `SlotMasks` has them.
        size: The photograph's height and width in pixels.
        rule: What to keep.
        whole: As `SlotMasks` has it.
    """
    winners = _winners(masks, _finest(size))
    group = np.arange(len(scores)) if groups is None else groups.numpy()
    score_of = dict(zip(group.tolist(), scores.tolist(), strict=True))
    wholes = group.astype(np.uint8)[winners]
    found = [
        (part, score * share**0.5)
        for one, score in score_of.items()
        if score > 0 and score >= rule.min_score
        for part, share in (
            [(wholes == one, 1.0)] if whole else connected_parts(wholes == one, rule.min_part)
        )
    ]
    least = max(1, rule.min_area * winners.size)
    kept = [
        (part, score) for part, score in found if score >= rule.min_score and np.count_nonzero(part) >= least
    ]
    kept = sorted(kept, key=lambda one: -one[1])[: rule.max_objects]
    masks_found = np.array([part for part, _ in kept], dtype=bool).reshape(-1, *winners.shape)
    found_scores = np.array([score for _, score in kept], dtype=np.float32)
    boxes = mask_boxes_xyxy(masks_found, size)
    return PixelObjects(_enlarged(winners, size), masks_found, boxes, found_scores)


def pixel_regions(regions: Regions, size: tuple[int, int], rule: ObjectRule) -> PixelObjects:
    """Bring one photograph's candidates to its own size and keep what the rule allows; they may overlap.

    Args:
        regions: On any grid.
        size: The photograph's height and width in pixels.
        rule: What to keep.
    """
    scores, fine = regions.scores.numpy(), _finest(size)
    count = int(np.count_nonzero(scores[: rule.max_objects] >= rule.min_score))
    least = max(1, rule.min_area * fine[0] * fine[1])
    masks = (_resampled(mask, fine) for mask in regions.masks[:count])
    kept = [(mask, number) for number, mask in enumerate(masks) if np.count_nonzero(mask) >= least]
    found = np.array([mask for mask, _ in kept], dtype=bool).reshape(-1, *fine)
    segments = np.zeros(fine, np.uint8)
    for number in reversed(range(len(found))):
        segments[found[number]] = number + 1
    best = scores[[number for _, number in kept]].astype(np.float32)
    return PixelObjects(_enlarged(segments, size), found, mask_boxes_xyxy(found, size), best)


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
        return _enlarged(self.coarse[index], self.size)


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


def _winners(
    masks: Float[Tensor, "slot rows columns"], fine: tuple[int, int]
) -> UInt8[np.ndarray, "height width"]:
    covering = torch.nonzero(masks.amax(dim=(1, 2)) > 0).flatten().tolist() or [0]
    smooth = F.interpolate(masks[covering].unsqueeze(0), fine, mode="bilinear", align_corners=False)
    first, *others = smooth[0].numpy()
    best, winner = first, np.full(fine, covering[0], np.uint8)
    for slot, mask in zip(covering[1:], others, strict=True):  # a third of an argmax's time
        winner = np.maximum(winner, (mask > best) * np.uint8(slot))  # slots come in rising order
        best = np.maximum(best, mask)
    return winner


def _resampled(
    mask: Float[Tensor, "rows columns"], fine: tuple[int, int]
) -> Bool[np.ndarray, "height width"]:
    smooth = F.interpolate(mask[None, None], fine, mode="bilinear", align_corners=False)
    inside: Bool[np.ndarray, "height width"] = (smooth > 0.5)[0, 0].numpy()
    return inside


def _finest(size: tuple[int, int]) -> tuple[int, int]:
    shrink = min(1.0, FINEST_PIXELS / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _enlarged(
    cells: Shaped[np.ndarray, "rows columns"], size: tuple[int, int]
) -> Shaped[np.ndarray, "height width"]:
    if cells.shape == size:
        return cells
    enlarged: Shaped[np.ndarray, "height width"] = cells[_cells(cells.shape[0], size[0])][
        :, _cells(cells.shape[1], size[1])
    ]
    return enlarged


def _cells(count: int, pixels: int) -> Int64[np.ndarray, " pixel"]:
    """The cell in which each of a number of pixels lies."""
    return np.arange(pixels) * count // pixels
