"""The objects of one photograph, and what can be made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL.Image import Image

from slotlight.drawing import overlay
from slotlight.formats.coco import coco_annotations

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class Discovery:
    """The objects of one photograph, best first, at its own size.

    Attributes:
        image: The photograph, upright RGB.
        segments: The winning slot of every pixel, objects and background alike.
        masks: One for each object; they do not overlap.
        boxes_xyxy: In pixels; left and top inclusive, right and bottom exclusive.
        scores: In [0, 1], descending.
        path: The photograph's file, where it came from one.
        tag: What the photograph was `slotlight.discovery.discoverer.Tagged` with.
    """

    image: UInt8[np.ndarray, "height width 3"]
    segments: UInt8[np.ndarray, "height width"]
    masks: Bool[np.ndarray, "object height width"]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]
    path: Path | None = None
    tag: object = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def labels(self) -> UInt8[np.ndarray, "height width"]:
        """The objects as one map: 0 is no object, 1 the best-scored object, 2 the next."""
        numbers = np.arange(1, len(self) + 1, dtype=np.uint8)
        labels: UInt8[np.ndarray, "height width"] = (self.masks * numbers[:, None, None]).sum(
            axis=0, dtype=np.uint8
        )
        return labels

    def overlay(self) -> Image:
        """The photograph with coloured masks, boxes and scores."""
        return overlay(self.image, self.masks, self.boxes_xyxy, self.scores)

    def to_coco(self, image_id: int = 1, first_annotation_id: int = 1) -> list[dict[str, Any]]:
        """COCO annotations: RLE ``segmentation``, ``bbox`` as x, y, width, height, ``area``, ``score``."""
        return coco_annotations(
            self.masks,
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
