"""Whether a score means what it says: of the objects that score 0.6, six in ten should be right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Num
from scipy.optimize import minimize
from scipy.special import expit, logit
from torch import Tensor

from slotlight.metrics.detection import ALL_AREAS, ScoredRegions
from slotlight.metrics.weighted import match_regions

BINS = 10
_EDGES = np.linspace(0, 1, BINS + 1)
_FAR = 1e-6  # from 0 and 1, where a logit would be infinite


@dataclass(frozen=True)
class Judged:
    """All predicted objects of some images that are right or wrong; those that crowds excuse are left out.

    Attributes:
        scores: In [0, 1].
        right: Whether each has an IoU of at least 0.5 with an annotated object that no better-scored one has taken.
        image: The image of each.
    """

    scores: Float[np.ndarray, " region"]
    right: Bool[np.ndarray, " region"]
    image: Int64[np.ndarray, " region"]


@dataclass(frozen=True)
class Reliability:
    """Scores beside how often they are right, by tenths of the score; a score on an edge is in the lower one.

    Attributes:
        counts: Objects in each tenth.
        scores: Their mean score; NaN where there are none.
        right: The share of them that is right; NaN where there are none.
    """

    counts: tuple[int, ...]
    scores: tuple[float, ...]
    right: tuple[float, ...]


def judge(images: Sequence[ScoredRegions]) -> Judged:
    """Which regions are right, matched as COCO does at IoU 0.5 (`slotlight.metrics.average_precision`).

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> twice = ScoredRegions.of_boxes(box.repeat(2, 1), torch.tensor([0.5, 0.25]), box)
        >>> judge([twice]).right.tolist()
        [True, False]
    """
    matches = [match_regions(image, ALL_AREAS) for image in images]
    kept = [~match.ignored[0] for match in matches]
    empty = np.zeros(0)
    return Judged(
        np.concatenate([empty, *(m.scores[keep] for m, keep in zip(matches, kept, strict=True))]),
        np.concatenate([empty.astype(bool), *(m.hits[0][k] for m, k in zip(matches, kept, strict=True))]),
        np.repeat(np.arange(len(matches)), [int(keep.sum()) for keep in kept]),
    )


def reliability(images: Sequence[ScoredRegions]) -> Reliability:
    """How often the objects of each tenth of the scores are right.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> found = reliability([ScoredRegions.of_boxes(box, torch.tensor([0.75]), box)])
        >>> found.counts[7], found.scores[7], found.right[7]
        (1, 0.75, 1.0)
    """
    counts, scores, right = _sums(judge(images), len(images)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        means = (scores / counts, right / counts)
    return Reliability(tuple(counts.astype(int).tolist()), *(tuple(mean.tolist()) for mean in means))


def calibration_error(images: Sequence[ScoredRegions]) -> float:
    """Expected calibration error: mean over objects of how far their tenth's score is from its share of right ones.

    NaN where nothing is found.

    Source:
        Naeini et al., 2015; Guo et al., 2017 (arXiv 1706.04599), equation 3, with ten bins.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> calibration_error([ScoredRegions.of_boxes(box, torch.tensor([0.75]), box)])
        0.25
    """
    return float(weighted_calibration_error(images, torch.ones(1, len(images)))[0])


def weighted_calibration_error(
    images: Sequence[ScoredRegions], weights: Num[Tensor, "draw image"]
) -> Float[Tensor, " draw"]:
    """`calibration_error` under many draws of the images' weights; NaN where a draw has no object."""
    sums = torch.from_numpy(_sums(judge(images), len(images)))
    counts, scores, right = torch.einsum("di,ikb->kdb", weights.double(), sums)
    error: Tensor = (scores - right).abs().sum(1) / counts.sum(1)
    return error


def squared_error(scores: Float[np.ndarray, " region"], right: Bool[np.ndarray, " region"]) -> float:
    """The Brier score: the mean squared distance of scores from 1 (right) or 0 (wrong); lower is better."""
    return float(np.square(scores - right).mean())


def binned_error(scores: Float[np.ndarray, " region"], right: Bool[np.ndarray, " region"]) -> float:
    """The expected calibration error of scores, by ten bins."""
    counts, mean, hits = _sums(Judged(scores, right, np.zeros(len(scores), np.int64)), 1)[0]
    return float(np.abs(mean - hits).sum() / counts.sum())


def fit_logistic(
    scores: Float[np.ndarray, " region"], right: Bool[np.ndarray, " region"]
) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of being right on the logit of the score.

    Labels are a little softer than 0 and 1, so that scores that part right from wrong have a finite slope too.

    Source:
        Platt, 1999, on logits: (1, 0) is the identity.

    Example:
        >>> scores = np.repeat([0.25, 0.75], 1000)
        >>> right = np.tile(np.arange(1000) < 500, 2) & (scores > 0.5)
        >>> slope, intercept = fit_logistic(scores, right)
        >>> round(float(expit(slope * logit(0.75) + intercept)), 2)
        0.5
    """
    hits = np.count_nonzero(right)
    labels = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    inputs = np.stack([logit(np.clip(scores.astype(float), _FAR, 1 - _FAR)), np.ones(len(scores))])

    def loss(weights: Float[np.ndarray, " 2"]) -> tuple[float, Float[np.ndarray, " 2"]]:
        logits = weights @ inputs
        entropy = np.logaddexp(0, logits) - labels * logits
        return float(entropy.mean()), inputs @ (expit(logits) - labels) / len(labels)

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), jac=True, options={"gtol": 1e-9}).x
    return float(slope), float(intercept)


def _sums(judged: Judged, images: int) -> Float[np.ndarray, "image 3 bin"]:
    """Of each image and bin: how many objects, the sum of their scores, how many are right."""
    bins = np.searchsorted(_EDGES[1:-1], judged.scores)
    cells = judged.image * BINS + bins
    parts = (None, judged.scores, judged.right)
    counted = [np.bincount(cells, weights=part, minlength=images * BINS) for part in parts]
    return np.stack(counted).astype(float).reshape(3, images, BINS).swapaxes(0, 1)
