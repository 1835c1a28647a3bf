"""COCO's run lengths: a binary mask as a short text, so that the masks of a whole dataset fit in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as coco_masks
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class RunLengths:
    """One binary mask.

    Attributes:
        size: Its height and width.
        counts: Lengths of the runs of 0 and 1, column by column, in COCO's compressed form.

    Example:
        >>> mask = np.zeros((1, 4, 6), bool)
        >>> mask[0, 1:3, 2:5] = True
        >>> [code.area() for code in RunLengths.encode(mask)]
        [6.0]
    """

    size: tuple[int, int]
    counts: str

    @classmethod
    def encode(cls, masks: Bool[np.ndarray, "region height width"]) -> tuple["RunLengths", ...]:
        """Encode masks of one size."""
        columns = np.asfortranarray(masks.transpose(1, 2, 0), dtype=np.uint8)
        return tuple(cls.from_coco(code) for code in coco_masks.encode(columns))

    @classmethod
    def from_coco(cls, code: dict[str, Any]) -> "RunLengths":
        """Take a compressed ``segmentation`` as COCO's tools give it."""
        counts, (height, width) = code["counts"], code["size"]
        return cls((int(height), int(width)), counts if isinstance(counts, str) else counts.decode())

    def to_coco(self) -> dict[str, Any]:
        """The dictionary that COCO's tools take."""
        return {"size": list(self.size), "counts": self.counts.encode()}

    def decode(self) -> Bool[np.ndarray, "height width"]:
        """The mask that was encoded."""
        mask: Bool[np.ndarray, "height width"] = coco_masks.decode([self.to_coco()])[..., 0].astype(bool)
        return mask

    def area(self) -> float:
        """How many pixels the mask has."""
        return float(coco_masks.area([self.to_coco()])[0])


def annotated_mask(annotation: Mapping[str, Any]) -> Bool[np.ndarray, "height width"]:
    """The mask of an annotation in COCO's form whose ``segmentation`` is compressed run lengths."""
    return RunLengths.from_coco(annotation["segmentation"]).decode()


def mask_overlaps(
    first: Sequence[RunLengths], second: Sequence[RunLengths]
) -> Float[np.ndarray, "first second"]:
    """The IoU of each of some masks with each of others, all of one size."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    codes = [[mask.to_coco() for mask in masks] for masks in (first, second)]
    return np.asarray(coco_masks.iou(*codes, [0] * len(second)))


def best_mask_overlap(found: Sequence[RunLengths], annotated: Sequence[RunLengths]) -> tuple[float, ...]:
    """The best IoU of each annotated mask with any found mask; 0 where nothing was found."""
    return tuple(mask_overlaps(found, annotated).max(axis=0, initial=0).tolist())
