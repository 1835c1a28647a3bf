"""The winning slot of every pixel → objects: their masks, boxes and scores. Imports no torch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8

from slotlight.config import ObjectRule
from slotlight.model.parts import connected_parts

FINEST_PIXELS = 1024  # masks are resampled smoothly up to this side, then by nearest pixel


@dataclass(frozen=True)
class PixelObjects:
    """The objects of one photograph, best first.

    Attributes:
        segments: The winning slot of every pixel, objects and background alike; an object may be of several.
        masks: One for each object; they do not overlap.
        boxes_xyxy: Of the masks, in pixels; left and top inclusive, right and bottom exclusive.
        scores: In [0, 1], descending.
    """

    segments: UInt8[np.ndarray, "height width"]
    masks: Bool[np.ndarray, "object height width"]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]


def segment_objects(
    segments: UInt8[np.ndarray, "height width"],
    scores: Float[np.ndarray, " slot"],
    groups: Int64[np.ndarray, " slot"],
    rule: ObjectRule,
    *,
    whole: bool = False,
) -> PixelObjects:
    """Keep what the rule calls objects of a photograph's segments.

    Two things of a kind share a slot: each connected part of a slot, or group of slots, is an object, and scores
    the slot's score times the root of its share of the slot.

    Args:
        segments: The winning slot of every pixel.
        scores: As `slotlight.segmenter.SlotMasks` has them, and so are ``groups`` and ``whole``.
        groups: The group of each slot.
        rule: What to keep.
        whole: Whether a slot is one object even if it falls into several parts.

    Example:
        >>> segments = np.zeros((4, 8), np.uint8)
        >>> segments[1:3, 2:5] = 1
        >>> found = segment_objects(segments, np.array([0.0, 0.5]), np.arange(2), ObjectRule())
        >>> found.boxes_xyxy.tolist(), found.scores.tolist()
        ([[2.0, 1.0, 5.0, 3.0]], [0.5])
    """
    score_of = dict(zip(groups.tolist(), scores.tolist(), strict=True))
    wholes = groups.astype(np.uint8)[segments]
    found = [
        (part, score * share**0.5)
        for one, score in score_of.items()
        if score > 0 and score >= rule.min_score
        for part, share in (
            [(wholes == one, 1.0)] if whole else connected_parts(wholes == one, rule.min_part)
        )
    ]
    least = max(1, rule.min_area * segments.size)
    kept = [
        (part, score) for part, score in found if score >= rule.min_score and np.count_nonzero(part) >= least
    ]
    kept = sorted(kept, key=lambda one: -one[1])[: rule.max_objects]
    masks_found = np.array([part for part, _ in kept], dtype=bool).reshape(-1, *segments.shape)
    found_scores = np.array([score for _, score in kept], dtype=np.float32)
    return PixelObjects(segments, masks_found, mask_boxes_xyxy(masks_found), found_scores)


def mask_boxes_xyxy(masks: Bool[np.ndarray, "object height width"]) -> Float[np.ndarray, "object 4"]:
    """The smallest box around each (non-empty) mask; right and bottom exclusive."""
    columns, rows = np.any(masks, axis=1), np.any(masks, axis=2)
    left, top = columns.argmax(axis=1), rows.argmax(axis=1)
    right = columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    bottom = rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    return np.stack([left, top, right, bottom], axis=1).astype(np.float32)
