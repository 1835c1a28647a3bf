"""One image's discovery held against its labels, as each protocol does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from slotlight import metrics
from slotlight.datasets.sample import Labels
from slotlight.discovery.discovery import Discovery
from slotlight.images import RGBImage

Label = TypeVar("Label")


@dataclass(frozen=True)
class Objects:
    """The true objects of an image.

    Attributes:
        overlaps: Of each, its best IoU with anything that was found.
        sizes: Of each, its share of the image.
    """

    overlaps: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a protocol measures in one image.

    Attributes:
        values: By metric; NaN where the image leaves it undefined (such as one without objects).
        objects: How well each true object was found, for the report's curves.
        regions: What average precision pools.
        f_beta: The curve that max F-beta pools.
    """

    values: dict[str, float]
    objects: Objects = Objects()
    regions: metrics.ScoredRegions | None = None
    f_beta: tuple[float, ...] = ()


def measure_paper(found: Discovery, labels: Labels) -> Measured:
    """The paper's three as its release computes them: void stays in unions, the best of all boxes counts."""
    slots, classes = _batch(found.segments), _batch(_known(labels.classes))
    counts = metrics.confusion_matrix(slots, classes)
    slot_boxes = metrics.label_boxes(slots, int(slots.max()) + 1, inclusive=True)
    class_boxes = metrics.label_boxes(classes, counts.counts.shape[2], inclusive=True)[:, 1:]
    return Measured(
        {
            "mIoU": float(metrics.hungarian_iou(counts, background=True, count_void=True)),
            "mBO": float(metrics.best_overlap(counts, count_void=True)),
            "CorLoc": float(metrics.best_box_corloc(slot_boxes, class_boxes)),
        },
        _mask_objects(counts, count_void=True),
    )


def measure_instances(found: Discovery, labels: Labels) -> Measured:
    """Overlaps of instances and of classes, FG-ARI, mIoU without background; void pixels are left out."""
    slots = _batch(found.segments)
    counts = metrics.confusion_matrix(slots, _batch(_known(labels.instances)))
    values = {
        "mBO_i": float(metrics.best_overlap(counts, count_void=False)),
        "mBO_c": float("nan"),
        "FG-ARI": float(metrics.foreground_rand_index(counts)),
        "mIoU": float(metrics.hungarian_iou(counts, background=False, count_void=False)),
    }
    if labels.classes is not None:
        by_class = metrics.confusion_matrix(slots, _batch(labels.classes))
        values["mBO_c"] = float(metrics.best_overlap(by_class, count_void=False))
    return Measured(values, _mask_objects(counts, count_void=False))


def measure_corloc(found: Discovery, labels: Labels) -> Measured:
    """Whether the one highest-scored box hits; an image in which nothing was found is a miss."""
    truth = torch.as_tensor(_known(labels.boxes_xyxy)).double()[None]
    boxes = torch.as_tensor(found.boxes_xyxy).double()
    best = boxes[:1] if len(boxes) else torch.full((1, 4), -1.0, dtype=torch.float64)
    return Measured(
        {"CorLoc-1": float(metrics.one_box_corloc(best, truth))},
        _box_objects(best[None], truth, found.image),
    )


def measure_detection(found: Discovery, labels: Labels) -> Measured:
    """What was found and what is there; average precision is pooled over images."""
    truth = torch.as_tensor(_known(labels.boxes_xyxy)).double()
    boxes, scores = torch.as_tensor(found.boxes_xyxy).double(), torch.as_tensor(found.scores).double()
    return Measured(
        {},
        _box_objects(boxes[None], truth[None], found.image),
        regions=metrics.ScoredRegions.of_boxes(boxes, scores, truth),
    )


def measure_saliency(found: Discovery, labels: Labels) -> Measured:
    """The union of all objects against the foreground; as a soft map each pixel has its object's score."""
    truth = _batch(_known(labels.foreground))
    objects = found.labels
    saliency = _batch(np.concatenate([[0], found.scores]).astype(np.float32)[objects])
    agreement = metrics.mask_agreement(_batch(objects > 0), truth)
    return Measured(
        {"IoU": float(agreement.iou), "accuracy": float(agreement.accuracy)},
        f_beta=tuple(metrics.f_beta_curve(saliency, truth)[0].tolist()),
    )


_COCO_FIGURES = {"AP": "ap", "AP50": "ap50", "AR@1": "ar_1", "AR@10": "ar_10", "AR@100": "ar_100"}


def pool_detection(images: Sequence[Measured]) -> dict[str, float]:
    """COCO's figures over all images."""
    figures = pooled_precision(images)
    return {name: getattr(figures, field) for name, field in _COCO_FIGURES.items()}


def weighted_detection(
    images: Sequence[Measured], weights: Float[np.ndarray, "draw image"]
) -> dict[str, Float[np.ndarray, " draw"]]:
    """COCO's figures under each draw of the images' weights."""
    regions = [i.regions for i in images if i.regions is not None]
    figures = metrics.weighted_precision(regions, torch.from_numpy(weights))
    return {name: getattr(figures, field).numpy() for name, field in _COCO_FIGURES.items()}


def pool_saliency(images: Sequence[Measured]) -> dict[str, float]:
    """The best threshold over all images."""
    return {"max F-beta": metrics.max_f_beta(torch.tensor([i.f_beta for i in images], dtype=torch.float64))}


def weighted_saliency(
    images: Sequence[Measured], weights: Float[np.ndarray, "draw image"]
) -> dict[str, Float[np.ndarray, " draw"]]:
    """The best threshold under each draw of the images' weights."""
    curves = torch.tensor([i.f_beta for i in images], dtype=torch.float64)
    return {"max F-beta": metrics.weighted_f_beta(curves, torch.from_numpy(weights)).numpy()}


def _mask_objects(counts: metrics.Confusion, *, count_void: bool) -> Objects:
    best = metrics.best_overlap_of_labels(counts, count_void=count_void)[0, 1:]
    sizes = counts.counts[0, :, 1:].sum(0) / (counts.counts.sum() + counts.void.sum())
    present = best.isfinite()
    return Objects(tuple(best[present].tolist()), tuple(sizes[present].tolist()))


def _box_objects(
    boxes: Float[Tensor, "1 box 4"], truth: Float[Tensor, "1 object 4"], image: RGBImage
) -> Objects:
    best = metrics.best_overlap_of_boxes(boxes, truth)[0]
    sizes = (truth[0, :, 2:] - truth[0, :, :2]).prod(-1) / (image.shape[0] * image.shape[1])
    return Objects(tuple(best.tolist()), tuple(sizes.tolist()))


def pooled_precision(images: Sequence[Measured]) -> metrics.AveragePrecision:
    """Average precision of all images that have regions."""
    return metrics.average_precision([i.regions for i in images if i.regions is not None])


def _batch(array: Shaped[np.ndarray, "height width"]) -> Shaped[Tensor, "1 height width"]:
    return torch.tensor(array)[None]


def _known(label: Label | None) -> Label:
    if label is None:
        raise ValueError("a protocol measures only what it has asked for; this label was not read")
    return label
