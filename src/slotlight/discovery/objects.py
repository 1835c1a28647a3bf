"""Slot masks → objects: which slots are objects, their pixel masks, boxes and scores."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import ObjectRule
from slotlight.discovery.segments import FINEST_PIXELS, PixelObjects, mask_boxes_xyxy, segment_objects
from slotlight.segmenter import Regions


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

    Args:
        masks: On any grid.
        scores: As `SlotMasks` has them.
        groups: As `SlotMasks` has them.
        size: The photograph's height and width in pixels.
        rule: What to keep.
        whole: As `SlotMasks` has it.
    """
    group = np.arange(len(scores)) if groups is None else groups.numpy()
    return segment_objects(_winners(masks, size), scores.numpy(), group, rule, whole=whole)


def pixel_regions(regions: Regions, size: tuple[int, int], rule: ObjectRule) -> PixelObjects:
    """Bring one photograph's candidates to its own size and keep what the rule allows; they may overlap.

    Args:
        regions: On any grid.
        size: The photograph's height and width in pixels.
        rule: What to keep.
    """
    scores = regions.scores.numpy()
    count = int(np.count_nonzero(scores[: rule.max_objects] >= rule.min_score))
    least = max(1, rule.min_area * size[0] * size[1])
    # One by one: a hundred masks of a large photograph, resampled at once, would take gigabytes.
    masks = [_enlarged(mask, size) for mask in regions.masks[:count]]
    kept = [number for number, mask in enumerate(masks) if np.count_nonzero(mask) >= least]
    found = np.array([masks[number] for number in kept], dtype=bool).reshape(-1, *size)
    segments = np.zeros(size, np.uint8)
    for number in reversed(range(len(found))):
        segments[found[number]] = number + 1
    return PixelObjects(segments, found, mask_boxes_xyxy(found), scores[kept].astype(np.float32))


def _winners(
    masks: Float[Tensor, "slot rows columns"], size: tuple[int, int]
) -> UInt8[np.ndarray, "height width"]:
    fine = _finest(size)
    covering = torch.nonzero(masks.amax(dim=(1, 2)) > 0).flatten().tolist() or [0]
    smooth = F.interpolate(masks[covering].unsqueeze(0), fine, mode="bilinear", align_corners=False)
    first, *others = smooth[0].numpy()
    best, winner = first, np.full(fine, covering[0], np.uint8)
    for slot, mask in zip(covering[1:], others, strict=True):  # a third of an argmax's time
        winner = np.maximum(winner, (mask > best) * np.uint8(slot))  # slots come in rising order
        best = np.maximum(best, mask)
    if fine == size:
        return winner
    segments: UInt8[np.ndarray, "height width"] = F.interpolate(
        torch.from_numpy(winner)[None, None], size, mode="nearest"
    )[0, 0].numpy()
    return segments


def _enlarged(mask: Float[Tensor, "rows columns"], size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    fine = _finest(size)
    inside = F.interpolate(mask[None, None], fine, mode="bilinear", align_corners=False) > 0.5
    if fine != size:
        inside = F.interpolate(inside.to(torch.uint8), size, mode="nearest") > 0
    found: Bool[np.ndarray, "height width"] = inside[0, 0].numpy()
    return found


def _finest(size: tuple[int, int]) -> tuple[int, int]:
    shrink = min(1.0, FINEST_PIXELS / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
