"""Slot masks → objects: which slots are objects, their pixel masks, boxes and scores."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import Calibration, ObjectRule
from slotlight.discovery.segments import (
    PixelObjects,
    calibrated,
    enlarged,
    finest_grid,
    mask_boxes_xyxy,
    segment_objects,
)
from slotlight.drawing import best_on_top
from slotlight.segmenter import Regions


def pixel_objects(
    masks: Float[Tensor, "slot rows columns"],
    scores: Float[Tensor, " slot"],
    size: tuple[int, int],
    rule: ObjectRule,
    groups: Int64[Tensor, " slot"] | None = None,
    *,
    whole: bool = False,
    calibration: Calibration = Calibration(),  # noqa: B008
) -> PixelObjects:
    """Bring one photograph's slot masks to its own size and keep what the rule calls objects.

    Args:
        masks: On any grid.
        scores: As `SlotMasks` has them.
        groups: As `SlotMasks` has them.
        size: The photograph's height and width in pixels.
        rule: What to keep.
        whole: As `SlotMasks` has it.
        calibration: As `slotlight.segmenter.Segmenter` has it.
    """
    group = np.arange(len(scores)) if groups is None else groups.numpy()
    winners = _winners(masks, finest_grid(size))
    return segment_objects(winners, scores.numpy(), group, rule, size, whole=whole, calibration=calibration)


def pixel_regions(
    regions: Regions,
    size: tuple[int, int],
    rule: ObjectRule,
    *,
    calibration: Calibration = Calibration(),  # noqa: B008
) -> PixelObjects:
    """Bring one photograph's candidates to its own size and keep what the rule allows; they may overlap.

    Args:
        regions: On any grid.
        size: The photograph's height and width in pixels.
        rule: What to keep.
        calibration: As `slotlight.segmenter.Segmenter` has it.
    """
    scores, fine = calibrated(regions.scores.numpy(), calibration), finest_grid(size)
    count = int(np.count_nonzero(scores[: rule.max_objects] >= rule.least_score(calibration)))
    least = max(1, rule.min_area * fine[0] * fine[1])
    masks = (_resampled(mask, fine) for mask in regions.masks[:count])
    kept = [(mask, number) for number, mask in enumerate(masks) if np.count_nonzero(mask) >= least]
    found = np.array([mask for mask, _ in kept], dtype=bool).reshape(-1, *fine)
    segments = best_on_top(found, fine)
    best = scores[[number for _, number in kept]].astype(np.float32)
    return PixelObjects(enlarged(segments, size), found, mask_boxes_xyxy(found, size), best)


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
