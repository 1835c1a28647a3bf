"""Average precision of masks and boxes against pycocotools itself: random instances, all sizes, crowds."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from slotlight.formats.run_lengths import RunLengths
from slotlight.metrics import COCO_SIZES, AreaRange, ScoredRegions, average_precision, weighted_precision

SIDE = 160
AREAS = {"all": AreaRange(), **COCO_SIZES}


def random_mask(rng: np.random.Generator) -> np.ndarray:
    """An ellipse of any size, often small, seldom half the picture."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    (top, left), (high, wide) = (
        rng.uniform(0, SIDE, 2),
        rng.choice([4, 9, 20, 45, 70], 2) * rng.uniform(0.6, 1.4),
    )
    return ((rows - top) / high) ** 2 + ((columns - left) / wide) ** 2 < 1


def random_image(rng: np.random.Generator) -> ScoredRegions:
    """Objects, what resembles them shifted by a few pixels, what resembles nothing, and crowds."""
    annotated = [random_mask(rng) for _ in range(rng.integers(0, 7))]
    crowds = [random_mask(rng) for _ in range(rng.integers(0, 3))]
    near = [np.roll(mask, rng.integers(-4, 5, 2), (0, 1)) for mask in (*annotated, *annotated, *crowds)]
    found = near + [random_mask(rng) for _ in range(rng.integers(0, 6))]
    codes = [
        RunLengths.encode(
            np.array([mask for mask in masks if mask.any()], dtype=bool).reshape(-1, SIDE, SIDE)
        )
        for masks in (found, annotated, crowds)
    ]
    scores = tuple((rng.integers(1, 12, len(codes[0])) / 12).tolist())  # many are equal
    areas = tuple(code.area() * rng.uniform(0.8, 1.0) for code in codes[1])  # as annotators' polygons differ
    return ScoredRegions("segm", codes[0], scores, codes[1], codes[2], areas)


def as_boxes(image: ScoredRegions) -> ScoredRegions:
    from pycocotools import mask

    parts = [
        tuple(tuple(mask.toBbox(code.to_coco()).tolist()) for code in codes)
        for codes in (image.found, image.annotated, image.crowds)
    ]
    return ScoredRegions("bbox", parts[0], image.scores, parts[1], parts[2], image.areas)


def pycocotools_figures(images: list[ScoredRegions]) -> dict[str, float]:
    """What `COCOeval` gives with ``useCats=0``, by our names."""
    kind = images[0].kind
    annotations, results = [], []
    for number, image in enumerate(images, start=1):
        flagged = [*((r, 0, a) for r, a in zip(image.annotated, image.areas, strict=True))]
        flagged += [(r, 1, 0.0) for r in image.crowds]
        for region, crowd, area in flagged:
            record = {"id": len(annotations) + 1, "image_id": number, "category_id": 1}
            annotations.append(record | written(region) | {"iscrowd": crowd, "area": area})
        for region, score in zip(image.found, image.scores, strict=True):
            results.append({"image_id": number, "category_id": 1, "score": score} | written(region))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": n, "height": SIDE, "width": SIDE} for n in range(1, len(images) + 1)],
            "categories": [{"id": 1, "name": "object"}],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(results), kind)
        evaluator.params.useCats = 0
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    names = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")
    names += ("AR@1", "AR@10", "AR@100", "AR small", "AR medium", "AR large")
    undefined = {-1.0: float("nan")}  # without objects of that size
    return {
        name: undefined.get(value, value) for name, value in zip(names, evaluator.stats.tolist(), strict=True)
    }


def written(region: Any) -> dict[str, Any]:
    if isinstance(region, RunLengths):
        return {"segmentation": region.to_coco()}
    return {"bbox": list(region)}


def our_figures(images: list[ScoredRegions], *, weighted: bool) -> dict[str, float]:
    figures = {}
    for name, area in AREAS.items():
        result = (
            weighted_precision(images, torch.ones(1, len(images)), area)
            if weighted
            else average_precision(images, area)
        )
        suffix = "" if name == "all" else f" {name}"
        figures[f"AP{suffix}"] = float(result.ap)
        figures[f"AR{suffix or '@100'}"] = float(result.ar_100)
        if name == "all":
            figures |= {"AP50": float(result.ap50), "AP75": float(result.ap75)}
            figures |= {"AR@1": float(result.ar_1), "AR@10": float(result.ar_10)}
    return figures


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_equal_to_pycocotools(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    images = [random_image(rng) for _ in range(12)]
    if kind == "bbox":
        images = [as_boxes(image) for image in images]
    expected = pycocotools_figures(images)
    assert 0.05 < expected["AP"] < 0.95
    assert our_figures(images, weighted=False) == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert our_figures(images, weighted=True) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_objects_are_counted_in_every_range() -> None:
    image = random_image(np.random.default_rng(3))
    counts = {name: average_precision([image], area).objects for name, area in AREAS.items()}
    assert counts["all"] == len(image.annotated) == counts["small"] + counts["medium"] + counts["large"]
