"""A discovery and labels whose comparison is known."""

import numpy as np

from slotlight.datasets import Labels
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.segments import mask_boxes_xyxy


def discovery_of(segments: np.ndarray, objects: np.ndarray | None = None, scores: list[float] | None = None):
    """A discovery with these segments; `objects` is a map of objects, 0 for none."""
    objects = np.zeros_like(segments) if objects is None else objects
    masks = np.arange(1, objects.max() + 1)[:, None, None] == objects
    scores = scores or [0.9 - 0.1 * i for i in range(len(masks))]
    image = np.zeros((*segments.shape, 3), np.uint8)
    return Discovery(
        image, segments.astype(np.uint8), masks, mask_boxes_xyxy(masks), np.array(scores, np.float32)
    )


def labels_of(instances: np.ndarray) -> Labels:
    boxes = mask_boxes_xyxy(np.arange(1, instances.max() + 1)[:, None, None] == instances)
    return Labels(
        foreground=np.minimum(instances, 1).astype(np.uint8),
        classes=instances.astype(np.uint8),
        instances=instances.astype(np.uint8),
        boxes_xyxy=boxes.astype(np.float64),
    )
