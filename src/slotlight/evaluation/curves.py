"""What a single number hides: how recall falls with the overlap asked for, and with the objects' size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.precision import pooled_precision, pooled_reliability
from slotlight.metrics import Reliability

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(21))
SIZE_EDGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 1.0)


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        title: What the chart shows; lines of one title share a chart.
        x_label: The horizontal axis.
        y_label: The vertical axis.
        x: Where; equal for all lines of a title, but for ones whose points are measured.
        y: How much, in [0, 1].
        is_diagonal_best: Whether the best line is the diagonal.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    is_diagonal_best: bool = False


def curves_of(images: Sequence[Measured]) -> tuple[Curve, ...]:
    """All curves that the images of one model allow, objects of all images pooled."""
    overlaps = np.array([v for image in images for v in image.objects.overlaps])
    sizes = np.array([v for image in images for v in image.objects.sizes])
    curves = [_recall(overlaps), _recall_by_size(overlaps, sizes)] if len(overlaps) else []
    if any(image.regions is not None and image.regions.annotated for image in images):
        curves.append(_precision(images))
    if (by_score := pooled_reliability(images)) and any(by_score.counts):
        curves.append(_reliability(by_score))
    if any(image.f_beta for image in images):
        curves.append(_f_beta(images))
    return tuple(curves)


def _recall(overlaps: np.ndarray) -> Curve:
    recall = (overlaps[:, None] >= np.array(THRESHOLDS)).mean(0)
    return Curve(
        "Objects found, by the overlap asked for", "IoU at least", "recall", THRESHOLDS, _tuple(recall)
    )


def _recall_by_size(overlaps: np.ndarray, sizes: np.ndarray) -> Curve:
    bins = np.clip(np.digitize(sizes, SIZE_EDGES) - 1, 0, len(SIZE_EDGES) - 2)
    filled = [b for b in range(len(SIZE_EDGES) - 1) if (bins == b).any()]
    sides = [np.sqrt(sizes[bins == b].mean()) for b in filled]
    recall = [(overlaps[bins == b] >= 0.5).mean() for b in filled]
    title = "Objects found with IoU ≥ 0.5, by their size"
    return Curve(title, "side, as a share of the photograph's", "recall", _tuple(sides), _tuple(recall))


def _precision(images: Sequence[Measured]) -> Curve:
    pooled = pooled_precision(images)
    reached = [(s, p) for s, p in zip(pooled.thresholds, pooled.precision, strict=True) if s > 0]
    points = sorted(dict(reached).items())
    title = "Objects that are right (IoU ≥ 0.5), by the score asked for"
    return Curve(
        title, "score at least", "precision", _tuple(p[0] for p in points), _tuple(p[1] for p in points)
    )


def _reliability(found: Reliability) -> Curve:
    filled = [b for b, count in enumerate(found.counts) if count]
    title = "Reliability: objects that are right (IoU ≥ 0.5), by their score"
    x, y = ([values[b] for b in filled] for values in (found.scores, found.right))
    return Curve(title, "score", "share that is right", _tuple(x), _tuple(y), is_diagonal_best=True)


def _f_beta(images: Sequence[Measured]) -> Curve:
    curves = np.array([image.f_beta for image in images])
    defined = curves[~np.isnan(curves).any(axis=1)]
    mean = defined.mean(0) if len(defined) else np.zeros(curves.shape[1])
    x = np.arange(1, len(mean) + 1) / len(mean)
    return Curve(
        "F-beta, by the score asked for", "score at least", "F-beta", _tuple(x[::5]), _tuple(mean[::5])
    )


def _tuple(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
