"""The objects of one photograph, and what can be made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL.Image import Image

from slotlight.discovery.objects import EnlargedMasks
from slotlight.drawing import overlay
from slotlight.formats.coco import coco_annotations
from slotlight.images import resize

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class Discovery:
    """The objects of one photograph, best first, at its own size.

    Attributes:
        image: The photograph, upright RGB.
        segments: The winning slot of every pixel, objects and background alike.
        coarse_masks: One for each object, on a grid of at most a thousand cells along a side; `masks` are they at the
            photograph's own size.
        boxes_xyxy: In pixels; left and top inclusive, right and bottom exclusive.
        scores: In [0, 1], descending.
        path: The photograph's file, where it came from one.
        tag: What the photograph was `slotlight.discovery.discoverer.Tagged` with.
    """

    image: UInt8[np.ndarray, "height width 3"]
    segments: UInt8[np.ndarray, "height width"]
    coarse_masks: Bool[np.ndarray, "object rows columns"]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]
    path: Path | None = None
    tag: object = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def masks(self) -> Bool[np.ndarray, "object height width"]:
        """The mask of each object; those of proposals may overlap."""
        return np.array(list(self.each_mask), dtype=bool).reshape(len(self), *self.image.shape[:2])

    @property
    def each_mask(self) -> EnlargedMasks:
        """The same, one at a time: of a large photograph, all at once take gigabytes."""
        height, width, _ = self.image.shape
        return EnlargedMasks(self.coarse_masks, (height, width))

    @property
    def labels(self) -> UInt8[np.ndarray, "height width"]:
        """The objects as one map: 0 is no object, 1 the best-scored object, 2 the next; the best is on top."""
        labels = np.zeros(self.image.shape[:2], np.uint8)
        for number in range(len(self), 0, -1):
            labels[self.each_mask[number - 1]] = number
        return labels

    def overlay(self, *, most_side: int | None = None) -> Image:
        """The photograph with coloured masks, boxes and scores.

        Args:
            most_side: Draw on a smaller copy of what is longer: a drawing takes 24 bytes a pixel.
        """
        height, width, _ = self.image.shape
        shrink = min(1.0, (most_side or height + width) / max(height, width))
        size = (max(1, round(shrink * height)), max(1, round(shrink * width)))
        masks = EnlargedMasks(self.coarse_masks, size)
        return overlay(resize(self.image, size), masks, self.boxes_xyxy * np.float32(shrink), self.scores)

    def to_coco(self, image_id: int = 1, first_annotation_id: int = 1) -> list[dict[str, Any]]:
        """COCO annotations: RLE ``segmentation``, ``bbox`` as x, y, width, height, ``area``, ``score``."""
        return coco_annotations(
            self.each_mask,
            self.boxes_xyxy,
            self.scores,
            image_id=image_id,
            first_annotation_id=first_annotation_id,
        )

    def to_supervision(self) -> "supervision.Detections":
        """The objects as `supervision.Detections` (``pip install slotlight[export]``), for its many formats."""
        import supervision

        return supervision.Detections(
            xyxy=self.boxes_xyxy,
            mask=self.masks,
            confidence=self.scores,
            class_id=np.zeros(len(self), dtype=int),
        )
