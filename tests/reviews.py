"""A folder of results to review."""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

from slotlight.review.folder import ReviewFolder

HEIGHT, WIDTH = 60, 80


def rectangle(left, top, right, bottom):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[top:bottom, left:right] = 1
    code = coco.encode(mask)
    return {"size": code["size"], "counts": code["counts"].decode()}


BOXES = {11: (5, 5, 25, 25), 12: (30, 10, 50, 40), 13: (60, 20, 75, 55)}


def opened(found: Path, **options) -> ReviewFolder:
    return ReviewFolder(found, root=found.parent, **options)


def press(folder: ReviewFolder, *keys: str) -> None:
    for key in keys:
        folder.press(key)


def saved(folder: ReviewFolder) -> dict:
    return json.loads(folder.save().read_text())
