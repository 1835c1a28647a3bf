"""Photographs with objects of every difficult shape, as formats take them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from slotlight.discovery.discovery import Discovery
from slotlight.discovery.objects import mask_boxes_xyxy
from slotlight.formats.coco import coco_annotations
from slotlight.formats.found import Found, FoundPhotograph

HEIGHT, WIDTH = 60, 80


def _mask(inside: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    return np.asarray(inside(*np.mgrid[:HEIGHT, :WIDTH]), dtype=bool)


def _blob(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).random((HEIGHT, WIDTH))
    return np.asarray(gaussian_filter(noise, 3) > 0.5)


SHAPES = {
    "row": _mask(lambda y, x: (y == 5) & (x >= 3) & (x < 45)),
    "column": _mask(lambda y, x: (x == 7) & (y >= 9) & (y < 51)),
    "diagonal": _mask(lambda y, x: (x == y) & (x < 40)),
    "corner": _mask(lambda y, x: (y >= 40) & (x >= 60)),
    "all": np.ones((HEIGHT, WIDTH), dtype=bool),
    "ell": _mask(lambda y, x: (y > 20) & (x > 10) & ((y > 40) | (x < 30))),
    "ring": _mask(lambda y, x: abs(np.hypot(y - 30, x - 40) - 20) < 0.7),
    "holes": _mask(lambda y, x: ~((y // 7 == 3) & (x // 9 == 4)) & ~((y == 50) & (x > 20) & (x < 60))),
    "hole in a hole": _mask(
        lambda y, x: (np.hypot(y - 30, x - 40) < 25) & ~((abs(np.hypot(y - 30, x - 40) - 14)) < 4)
    ),
    "parts": _mask(lambda y, x: ((y < 10) & (x < 12)) | ((y > 30) & (x > 30) & (x < 70))),
    "blob": _blob(0),
    "many blobs": _blob(3),
}
"""Each of at least 32 pixels."""


def found_photograph(path: Path, masks: np.ndarray, scores: np.ndarray, image_id: int = 1) -> FoundPhotograph:
    annotations = coco_annotations(
        masks, mask_boxes_xyxy(masks), scores, image_id=image_id, first_annotation_id=1
    )
    height, width = masks.shape[1:]
    return FoundPhotograph(str(path), str(path), path.stem, image_id, width, height, annotations)


def photograph(path: Path, seed: int = 0) -> Path:
    levels = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def found_scenes(folder: Path, *, shapes: tuple[str, ...] = ("ell", "corner", "row")) -> Found:
    """Two photographs with objects, one without, and one that failed."""
    masks = np.stack([SHAPES[name] for name in shapes])
    scores = np.linspace(0.9, 0.5, len(masks))
    images = [
        found_photograph(photograph(folder / "a.png"), masks, scores, 1),
        found_photograph(photograph(folder / "b b.png", 1), masks[::-1], scores / 2, 2),
        found_photograph(photograph(folder / "c.png", 2), masks[:0], scores[:0], 3),
        FoundPhotograph(
            str(folder / "d.png"), str(folder / "d.png"), "d", 4, 0, 0, [], cause="d.png is broken"
        ),
    ]
    return Found({"model": "some model", "fingerprint": "f00d"}, lambda: iter(images))


def discovery(path: Path | None = None, shapes: tuple[str, ...] = ("ell", "corner", "row")) -> Discovery:
    masks = np.stack([SHAPES[name] for name in shapes])
    image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    scores = np.linspace(0.9, 0.5, len(masks)).astype(np.float32)
    return Discovery(image, masks.any(axis=0).astype(np.uint8), masks, mask_boxes_xyxy(masks), scores, path)


def masks_of(found: FoundPhotograph) -> np.ndarray:
    return np.array(list(found.each_mask()), dtype=bool).reshape(-1, found.height, found.width)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
