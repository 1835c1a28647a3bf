"""Random photographs with objects and crowds of every size, and pycocotools' numbers of what is found in them."""

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from slotlight.baselines import build_baseline
from slotlight.datasets import COCODataset
from slotlight.discovery.discoverer import Discoverer


def polygon(rng: np.random.Generator, number: int, image: int, height: int, width: int) -> dict:
    w, h = rng.choice([12, 40, 70, 110], 2) * rng.uniform(0.7, 1, 2)
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    corners = [x, y, x + w, y, x + w, y + 0.8 * h, x, y + h]
    crowd = int(rng.random() < 0.2)
    segmentation = [corners]
    if crowd:
        mask = np.zeros((height, width), np.uint8, order="F")
        mask[round(y) : round(y + h), round(x) : round(x + w)] = 1
        changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0)).tolist()
        runs = np.diff([0, *changes, mask.size]).tolist()
        segmentation = {"size": [height, width], "counts": runs}
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": crowd,
        "bbox": [x, y, w, h],
        "area": 0.9 * w * h,
        "segmentation": segmentation,
    }


def oracle(coco: COCODataset, kind: str) -> list[float]:
    model, results = Discoverer(build_baseline("kmeans-colour")), []
    part = {"segm": "segmentation", "bbox": "bbox"}[kind]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(coco.path)
        for number, image in truth.imgs.items():
            found = model.discover(coco.photographs / image["file_name"])
            # `to_coco` rounds scores; equal scores would be ordered otherwise
            for one, score in zip(found.to_coco(number), found.scores.tolist(), strict=True):
                results.append({"image_id": number, "category_id": 1, "score": score, part: one[part]})
        evaluator = COCOeval(truth, truth.loadRes(results), kind)
        evaluator.params.useCats = 0
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float("nan") if value == -1 else value for value in [*evaluator.stats.tolist(), ece(evaluator)]]


def ece(evaluator: COCOeval) -> float:
    """The calibration error of pycocotools' own matches at IoU 0.5, objects of all sizes."""
    photographs = [one for one in evaluator.evalImgs if one and one["aRng"] == evaluator.params.areaRng[0]]
    scores, right, ignored = (
        np.concatenate([np.ravel(one[part] if row is None else one[part][row]) for one in photographs])
        for part, row in (("dtScores", None), ("dtMatches", 0), ("dtIgnore", 0))
    )
    scores, right = scores[ignored == 0], right[ignored == 0] > 0
    bins = np.ceil(10 * scores).clip(1, 10)
    gaps = [abs((scores - right)[bins == b].sum()) for b in range(1, 11)]
    return float(sum(gaps) / len(scores))
