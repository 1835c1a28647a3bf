"""COCO: one JSON file of images and annotations with RLE masks."""

from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle
from jaxtyping import Bool, Float


def coco_annotations(
    masks: Bool[np.ndarray, "object height width"],
    boxes_xyxy: Float[np.ndarray, "object 4"],
    scores: Float[np.ndarray, " object"],
    *,
    image_id: int,
    first_annotation_id: int,
) -> list[dict[str, Any]]:
    """One annotation an object: RLE ``segmentation``, ``bbox`` as x, y, width, height, ``area``, ``score``.

    Source: the results and annotation formats of cocodataset.org.
    """
    annotations = []
    for number, (mask, box, score) in enumerate(zip(masks, boxes_xyxy, scores, strict=True)):
        encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
        left, top, right, bottom = (float(v) for v in box)
        annotations.append(
            {
                "id": first_annotation_id + number,
                "image_id": image_id,
                "category_id": 1,
                "segmentation": {"size": list(mask.shape), "counts": encoded["counts"].decode()},
                "bbox": [left, top, right - left, bottom - top],
                "area": int(mask.sum()),
                "iscrowd": 0,
                "score": round(float(score), 4),
            }
        )
    return annotations
