"""SAM's automatic mask generator: a list of dictionaries for one photograph."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float


def sam_masks(
    masks: Iterable[Bool[np.ndarray, "height width"]],
    boxes_xyxy: Float[np.ndarray, "object 4"],
    scores: Float[np.ndarray, " object"],
) -> list[dict[str, Any]]:
    """What ``SamAutomaticMaskGenerator.generate`` gives, so that code written for it runs unchanged.

    Both ``predicted_iou`` and ``stability_score`` are the object's score: there is one score here. SAM's
    ``point_coords`` is the point that it was asked about; here it is the pixel of the mask nearest its centre.
    """
    found = []
    for mask, box, score in zip(masks, boxes_xyxy, scores, strict=True):
        left, top, right, bottom = (float(value) for value in box)
        points = np.argwhere(mask)
        nearest = np.square(points - points.mean(axis=0)).sum(axis=1).argmin()
        found.append(
            {
                "segmentation": mask,
                "area": int(np.count_nonzero(mask)),
                "bbox": [left, top, right - left, bottom - top],
                "predicted_iou": float(score),
                "point_coords": [points[nearest, ::-1].astype(float).tolist()],
                "stability_score": float(score),
                "crop_box": [0.0, 0.0, float(mask.shape[1]), float(mask.shape[0])],
            }
        )
    return found
