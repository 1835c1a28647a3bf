"""Pooled metrics of a dataset whose images have weights: what bootstraps and permutation tests need.

An image of weight 2 counts as if it were there twice, one of weight 0 as if it were not. All draws of weights
are computed at once: images are matched to their objects once, whatever their weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from faster_coco_eval.core import mask as run_lengths
from jaxtyping import Bool, Float
from torch import Tensor

from slotlight.metrics.detection import Box, RunLengths, ScoredRegions

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = torch.from_numpy(np.linspace(0, 1, 101))  # to the last bit, as COCO has them
MOST_REGIONS = 100
_AT_ONCE = 2_000_000  # regions times draws, to bound memory


@dataclass(frozen=True)
class WeightedPrecision:
    """`AveragePrecision`'s figures for every draw of weights; NaN where a draw has no objects."""

    ap: Float[Tensor, " draw"]
    ap50: Float[Tensor, " draw"]
    ar_1: Float[Tensor, " draw"]
    ar_10: Float[Tensor, " draw"]
    ar_100: Float[Tensor, " draw"]


def weighted_precision(
    images: Sequence[ScoredRegions], weights: Float[Tensor, "draw image"]
) -> WeightedPrecision:
    """AP and AR of a dataset under many draws of its images' weights.

    With weights of 0 and 1 it is `average_precision` of the images kept, to rounding. Greater weights count the
    regions of an image together, where copies of it would come one after the other: recall is then read a
    little above where it would be.

    Source:
        COCO's evaluation (Lin et al., 2014), see `average_precision`.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> hit = ScoredRegions.of_boxes(box, torch.tensor([0.9]), box)
        >>> miss = ScoredRegions.of_boxes(box + 50, torch.tensor([0.5]), box)
        >>> weighted_precision([hit, miss], torch.tensor([[1.0, 0.0], [0.0, 1.0]])).ap50
        tensor([1., 0.], dtype=torch.float64)
    """
    matches = [_match(image) for image in images]
    weights = weights.double()
    objects = weights @ torch.tensor([len(image.annotated) for image in images], dtype=torch.float64)
    by_threshold = _precision_by_threshold(matches, weights, objects)
    recall = [weights @ _mean_hits(matches, most) / objects for most in (1, 10, MOST_REGIONS)]
    return WeightedPrecision(by_threshold.mean(1), by_threshold[:, 0], *recall)


def weighted_f_beta(
    curves: Float[Tensor, "image level"], weights: Float[Tensor, "draw image"]
) -> Float[Tensor, " draw"]:
    """`max_f_beta` under many draws of the images' weights; NaN where a draw has no image with a curve."""
    weights = weights.double() * curves.isfinite().all(1)
    total = weights @ curves.double().nan_to_num(0)
    return (total / weights.sum(1, keepdim=True)).amax(1)


@dataclass(frozen=True)
class _Matches:
    """One image's regions by falling score: at which IoU thresholds each is right, or not to be judged."""

    scores: Float[np.ndarray, " region"]
    hits: Bool[np.ndarray, "threshold region"]
    ignored: Bool[np.ndarray, "threshold region"]


@lru_cache(maxsize=1 << 16)
def _match(image: ScoredRegions) -> _Matches:
    """Each region takes the free object of highest IoU, if that is enough; else a crowd may excuse it."""
    order = np.argsort(-np.array(image.scores), kind="stable")[:MOST_REGIONS]
    objects, crowds = len(image.annotated), len(image.crowds)
    hits = np.zeros((len(IOU_THRESHOLDS), len(order)), bool)
    ignored = hits.copy()
    if not len(order) or not objects + crowds:
        return _Matches(np.array(image.scores)[order], hits, ignored)
    flags = [0] * objects + [1] * crowds
    found = [_code(image.found[i]) for i in order]
    iou = np.asarray(run_lengths.iou(found, [_code(r) for r in (*image.annotated, *image.crowds)], flags))
    free = np.ones((len(IOU_THRESHOLDS), objects), bool)
    rows = np.arange(len(IOU_THRESHOLDS))
    for region, overlaps in enumerate(iou):
        if objects:
            open_overlaps = np.where(free, overlaps[:objects], -1)[
                :, ::-1
            ]  # of equal ones COCO takes the last
            best = objects - 1 - open_overlaps.argmax(1)
            hits[:, region] = open_overlaps.max(1) >= IOU_THRESHOLDS
            free[rows, best] &= ~hits[:, region]
        if crowds:
            ignored[:, region] = ~hits[:, region] & (overlaps[objects:].max() >= IOU_THRESHOLDS)
    return _Matches(np.array(image.scores)[order], hits, ignored)


def _precision_by_threshold(
    matches: Sequence[_Matches], weights: Float[Tensor, "draw image"], objects: Float[Tensor, " draw"]
) -> Float[Tensor, "draw threshold"]:
    scores = np.concatenate([m.scores for m in matches])
    order = np.argsort(-scores, kind="stable")
    image_of = torch.from_numpy(np.repeat(np.arange(len(matches)), [len(m.scores) for m in matches])[order])
    hits, ignored = (
        torch.from_numpy(np.concatenate([getattr(m, part) for m in matches], axis=1)[:, order])
        for part in ("hits", "ignored")
    )
    chunk = max(1, _AT_ONCE // max(1, len(order)))
    parts = zip(weights.split(chunk), objects.split(chunk), strict=True)
    return torch.cat([_interpolated(some[:, image_of], hits, ignored, there) for some, there in parts])


def _interpolated(
    weights: Float[Tensor, "draw region"],
    hits: Bool[Tensor, "threshold region"],
    ignored: Bool[Tensor, "threshold region"],
    objects: Float[Tensor, " draw"],
) -> Float[Tensor, "draw threshold"]:
    """Mean of the precision's envelope over 101 recalls, regions in the order of their scores.

    Precision is highest right after a hit, so it is looked at there alone.
    """
    given = weights.cumsum(1)
    columns = []
    for hit, left_out in zip(hits, ignored, strict=True):
        index = hit.nonzero()[:, 0]
        judged = (weights * ~left_out).cumsum(1) if left_out.any() else given
        right = weights[:, index].cumsum(1)
        precision = right / judged[:, index].clamp(min=1e-12)
        envelope = torch.cat([precision.flip(1).cummax(1).values.flip(1), given.new_zeros(len(given), 1)], 1)
        places = torch.searchsorted(right / objects[:, None], RECALLS.expand(len(right), -1).contiguous())
        columns.append(envelope.gather(1, places).mean(1))
    return torch.stack(columns, dim=1).masked_fill(objects[:, None] == 0, float("nan"))


def _mean_hits(matches: Sequence[_Matches], most: int) -> Float[Tensor, " image"]:
    """Each image's objects found by its best regions, mean over IoU thresholds."""
    return torch.tensor([m.hits[:, :most].sum(1).mean() for m in matches], dtype=torch.float64)


def _code(region: Box | RunLengths) -> object:
    """As COCO's own functions take it."""
    if isinstance(region, RunLengths):
        return {"size": list(region.size), "counts": region.counts.encode()}
    return list(region)
