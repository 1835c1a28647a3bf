"""Whether arms differ: over trainings by SciPy's tests, over photographs by the evaluation's paired permutation.

An arm is trained with the same seeds as every other, and each pair of trainings shares the order of photographs; so
trainings are paired, as photographs are. What is said to differ must do so over both.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import optimize, stats

from slotlight.evaluation.statistics import Interval, paired_difference

WORTH_SEEING = 0.005
"""Half a point: the difference whose cost in trainings is told."""

POWER, LEVEL = 0.8, 0.05
MOST_TRAININGS = 1000

Values = Float[np.ndarray, "training image"]


@dataclass(frozen=True)
class PairedTest:
    """One arm less another.

    Attributes:
        difference: Of their means, over photographs that both define and trainings.
        trainings: Pairs of trainings.
        deviation: Standard deviation of a training's difference; None for one.
        over_trainings: 95 % interval of the difference over trainings (paired t); None for one.
        p_trainings: Of the two-sided paired t-test over trainings.
        over_photographs: 95 % interval over photographs, trainings averaged (paired bootstrap).
        p_photographs: Of the two-sided paired permutation test over photographs.
        detectable: The difference that so many trainings show with a power of 80 %.
        needed: How many trainings show `WORTH_SEEING` with that power; None beyond `MOST_TRAININGS`.
    """

    difference: float
    trainings: int
    deviation: float | None
    over_trainings: Interval | None
    p_trainings: float | None
    over_photographs: Interval | None
    p_photographs: float | None
    detectable: float | None
    needed: int | None

    @property
    def holds_over_trainings(self) -> bool:
        """Whether the interval over trainings leaves zero out."""
        return self.over_trainings is not None and _excludes_zero(self.over_trainings)

    @property
    def holds_over_photographs(self) -> bool:
        """Whether the interval over photographs leaves zero out."""
        return self.over_photographs is not None and _excludes_zero(self.over_photographs)

    @property
    def is_shown(self) -> bool:
        """Whether the arms differ over trainings and over photographs."""
        return self.holds_over_trainings and self.holds_over_photographs


def compare(first: Values, second: Values) -> PairedTest | None:
    """Compare two arms, training by training and photograph by photograph; None where no photograph defines both.

    Example:
        >>> none = np.array([[0.30, 0.50, 0.40], [0.32, 0.50, 0.40], [0.30, 0.52, 0.41]])
        >>> test = compare(none + [[0.10], [0.11], [0.12]], none)
        >>> round(test.difference, 3), test.is_shown
        (0.11, True)
    """
    defined = ~(np.isnan(first).any(axis=0) | np.isnan(second).any(axis=0))
    if not defined.any():
        return None
    first, second = first[:, defined], second[:, defined]
    by_training = (first - second).mean(axis=1)
    over_photographs = paired_difference(first.mean(axis=0), second.mean(axis=0))
    deviation, interval, p_value = _over_trainings(by_training)
    count = len(by_training)
    return PairedTest(
        difference=float(by_training.mean()),
        trainings=count,
        deviation=deviation,
        over_trainings=interval,
        p_trainings=p_value,
        over_photographs=None if over_photographs is None else over_photographs.interval,
        p_photographs=None if over_photographs is None else over_photographs.p_value,
        detectable=None if deviation is None else detectable_difference(deviation, count),
        needed=None if deviation is None else trainings_needed(deviation, WORTH_SEEING),
    )


def _over_trainings(
    differences: Float[np.ndarray, " training"],
) -> tuple[float | None, Interval | None, float | None]:
    """Deviation, 95 % interval and p-value of a paired t-test."""
    if len(differences) < 2:
        return None, None, None
    deviation, mean = float(differences.std(ddof=1)), float(differences.mean())
    if deviation <= 1e-12:  # equal in every training: the t statistic is not defined
        return 0.0, Interval(mean, mean), 1.0 if abs(mean) <= 1e-12 else 0.0
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(1 - LEVEL)
    return deviation, Interval(float(low), float(high)), float(test.pvalue)


def power_of(difference: float, deviation: float, trainings: int) -> float:
    """How often a paired t-test over so many trainings shows a true difference, and its direction: noncentral t.

    Example:
        >>> round(power_of(0.5, 0.5, 10), 2)
        0.8
    """
    freedom = trainings - 1
    bound = stats.t.ppf(1 - LEVEL / 2, freedom)
    shift = difference / deviation * math.sqrt(trainings)
    return float(stats.nct.sf(bound, freedom, shift))


def detectable_difference(deviation: float, trainings: int) -> float:
    """The difference that so many trainings show with a power of `POWER`.

    Example:
        >>> round(detectable_difference(0.5, 10), 2)
        0.5
    """
    if deviation == 0:
        return 0.0

    def lacking(ratio: float) -> float:
        return power_of(ratio, 1.0, trainings) - POWER

    return deviation * float(optimize.brentq(lacking, 1e-3, 100.0))


def trainings_needed(deviation: float, difference: float) -> int | None:
    """How many trainings show a difference with a power of `POWER`; None beyond `MOST_TRAININGS`.

    Example:
        >>> trainings_needed(0.01, 0.005)
        34
    """
    counts = range(2, MOST_TRAININGS + 1)
    if deviation == 0:
        return counts[0]
    low, high = 0, len(counts)  # power grows with the number of trainings
    while low < high:
        middle = (low + high) // 2
        if power_of(difference, deviation, counts[middle]) >= POWER:
            high = middle
        else:
            low = middle + 1
    return counts[low] if low < len(counts) else None


def adjusted(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests at once, after Benjamini and Hochberg.

    Example:
        >>> adjusted([0.01, 0.04])
        [0.02, 0.04]
    """
    return [float(p) for p in stats.false_discovery_control(p_values)] if len(p_values) else []


def spread_test(means: Sequence[Float[np.ndarray, " _"]]) -> float | None:
    """The p-value of Brown and Forsythe's test that all arms spread alike; None for fewer than three trainings of each.

    Example:
        >>> wide, narrow = np.array([0.2, 0.5, 0.9, 0.4]), np.array([0.50, 0.51, 0.50, 0.49])
        >>> round(spread_test([wide, narrow]), 2)
        0.09
    """
    if len(means) < 2 or min(map(len, means)) < 3:
        return None
    if all(np.ptp(arm) <= 1e-12 for arm in means):
        return 1.0
    brown_forsythe: Callable[..., tuple[float, float]] = stats.levene
    return float(brown_forsythe(*means, center="median")[1])


def _excludes_zero(interval: Interval) -> bool:
    return interval.low > 0 or interval.high < 0
