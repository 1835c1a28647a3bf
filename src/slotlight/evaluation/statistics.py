"""How sure a mean over photographs is, and whether two models differ: bootstrap and permutation.

Photographs are what is drawn again; the draws are seeded, so the same values give the same intervals. NaN
marks photographs for which a metric is undefined.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DRAWS = 2000
FLIPS = 10_000
_CHUNK = 500  # draws made at once, to bound memory


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One model's mean less another's, over the same photographs.

    Attributes:
        mean: Positive where the first is better.
        interval: Its 95 % interval, by the paired bootstrap.
        p_value: Of the two-sided paired permutation test: how often as large a difference comes by chance.
    """

    mean: float
    interval: Interval
    p_value: float


def bootstrap_interval(values: Float[np.ndarray, " image"]) -> Interval | None:
    """The percentile bootstrap interval of the mean over photographs; None for fewer than two.

    Source:
        Efron and Tibshirani, 1993, chapter 13.

    Example:
        >>> bootstrap_interval(np.full(10, 0.5))
        Interval(low=0.5, high=0.5)
    """
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return None
    rng = np.random.default_rng(0)
    chunks = range(0, DRAWS, _CHUNK)
    means = np.concatenate(
        [values[rng.integers(len(values), size=(_CHUNK, len(values)))].mean(1) for _ in chunks]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))


def paired_difference(
    first: Float[np.ndarray, " image"], second: Float[np.ndarray, " image"]
) -> Difference | None:
    """Compare two models on the photographs where both have a value; None where there are fewer than two.

    The permutation test flips the sign of each photograph's difference at random, `FLIPS` times, and counts
    the actual outcome among them, so that no p-value is 0.
    """
    differences = first - second
    differences = differences[~np.isnan(differences)]
    interval = bootstrap_interval(differences)
    if interval is None:
        return None
    rng = np.random.default_rng(0)
    observed = abs(differences.sum()) - 1e-12
    flipped = (
        rng.integers(0, 2, (_CHUNK, len(differences)), np.int8) * 2.0 - 1 for _ in range(FLIPS // _CHUNK)
    )
    extreme = sum(int((np.abs(signs @ differences) >= observed).sum()) for signs in flipped)
    return Difference(float(differences.mean()), interval, (extreme + 1) / (FLIPS + 1))
