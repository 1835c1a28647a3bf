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
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from slotlight.metrics.detection import ALL_AREAS, AreaRange, ScoredRegions, region_area, region_code

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = torch.from_numpy(np.linspace(0, 1, 101))  # to the last bit, as COCO has them
MOST_REGIONS = 100
_AT_ONCE = 2_000_000  # regions times draws, to bound memory


@dataclass(frozen=True)
class WeightedPrecision:
    """`AveragePrecision`'s figures for every draw of weights; NaN where a draw has no objects."""

    ap: Float[Tensor, " draw"]
    ap50: Float[Tensor, " draw"]
    ap75: Float[Tensor, " draw"]
    ar_1: Float[Tensor, " draw"]
    ar_10: Float[Tensor, " draw"]
    ar_100: Float[Tensor, " draw"]


def weighted_precision(
    images: Sequence[ScoredRegions], weights: Num[Tensor, "draw image"], area: AreaRange = ALL_AREAS
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
    matches = [match_regions(image, area) for image in images]
    weights = weights.double()
    objects = weights @ torch.tensor([match.objects for match in matches], dtype=torch.float64)
    by_threshold = _precision_by_threshold(matches, weights, objects)
    recall = [weights @ _mean_hits(matches, most) / objects for most in (1, 10, MOST_REGIONS)]
    return WeightedPrecision(by_threshold.mean(1), by_threshold[:, 0], by_threshold[:, 5], *recall)


def weighted_f_beta(
    curves: Float[Tensor, "image level"], weights: Num[Tensor, "draw image"]
) -> Float[Tensor, " draw"]:
    """`max_f_beta` under many draws of the images' weights; NaN where a draw has no image with a curve."""
    defined, curves = curves.isfinite().all(1), curves.double().nan_to_num(0)

    def best(some: Num[Tensor, "some image"]) -> Float[Tensor, " some"]:
        given = some.double() * defined
        return (given @ curves / given.sum(1, keepdim=True)).amax(1)

    return torch.cat([best(some) for some in weights.split(max(1, _AT_ONCE // max(1, len(curves))))])


@dataclass(frozen=True)
class RegionMatches:
    """One image's regions by falling score: at which IoU thresholds each is right, or not to be judged."""

    objects: int
    scores: Float[np.ndarray, " region"]
    hits: Bool[np.ndarray, "threshold region"]
    ignored: Bool[np.ndarray, "threshold region"]


@lru_cache(maxsize=1 << 16)
def match_regions(image: ScoredRegions, area: AreaRange) -> RegionMatches:
    """Each region takes the free object of highest IoU, if that is enough; else what does not count excuses it.

    What does not count: objects outside the range of areas, each for one region, and crowds, for any number.
    """
    order = np.argsort(-np.array(image.scores), kind="stable")[:MOST_REGIONS]
    counts = np.array([area.holds(size) for size in image.annotated_areas()], dtype=bool)
    outside = np.array([not area.holds(region_area(image.found[i])) for i in order], dtype=bool)
    iou = _overlaps(image, order)
    overlaps, in_crowd = iou[:, : len(counts)], iou[:, len(counts) :].max(axis=1, initial=0)
    free = np.ones((len(IOU_THRESHOLDS), len(counts)), bool)
    hits = np.zeros((len(IOU_THRESHOLDS), len(order)), bool)
    ignored = hits.copy()
    for region, overlap in enumerate(overlaps):
        hits[:, region] = _take_best(overlap, free, counts)
        # A crowd that covers the region better is taken instead: it is never used up.
        excusing = ~counts & (overlap > in_crowd[region])
        taken = _take_best(overlap, free, excusing, ~hits[:, region])
        ignored[:, region] = ~hits[:, region] & (
            taken | (in_crowd[region] >= IOU_THRESHOLDS) | outside[region]
        )
    return RegionMatches(int(counts.sum()), np.array(image.scores)[order], hits, ignored)


def _overlaps(image: ScoredRegions, order: Int[np.ndarray, " region"]) -> Float[np.ndarray, "region other"]:
    """IoU of the regions with the objects, then the crowds; with a crowd it is the share that lies inside."""
    others = (*image.annotated, *image.crowds)
    if not len(order) or not others:
        return np.zeros((len(order), len(others)))
    flags = [0] * len(image.annotated) + [1] * len(image.crowds)
    found = [region_code(image.found[i]) for i in order]
    return np.asarray(run_lengths.iou(found, [region_code(region) for region in others], flags))


def _take_best(
    overlap: Float[np.ndarray, " object"],
    free: Bool[np.ndarray, "threshold object"],
    among: Bool[np.ndarray, " object"],
    wanted: Bool[np.ndarray, " threshold"] | bool = True,
) -> Bool[np.ndarray, " threshold"]:
    """At which thresholds a region gets the best free object among some; it is free no longer."""
    if not among.any():
        return np.zeros(len(free), bool)
    candidates = np.where(free & among, overlap, -1)[:, ::-1]  # of equal ones COCO takes the last
    best = len(among) - 1 - candidates.argmax(axis=1)
    taken: Bool[np.ndarray, " threshold"] = (candidates.max(axis=1) >= IOU_THRESHOLDS) & wanted
    free[np.arange(len(free)), best] &= ~taken
    return taken


def _precision_by_threshold(
    matches: Sequence[RegionMatches], weights: Float[Tensor, "draw image"], objects: Float[Tensor, " draw"]
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


def _mean_hits(matches: Sequence[RegionMatches], most: int) -> Float[Tensor, " image"]:
    """Each image's objects found by its best regions, mean over IoU thresholds."""
    return torch.tensor([m.hits[:, :most].sum(1).mean() for m in matches], dtype=torch.float64)
