"""Per-image values → tables: one a protocol, so that numbers of two protocols never share a column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from slotlight.evaluation.curves import Curve, curves_of
from slotlight.evaluation.protocols import Metric, Protocol
from slotlight.evaluation.protocols.precision import pooled_reliability
from slotlight.evaluation.statistics import (
    Difference,
    Interval,
    bootstrap_interval,
    exchanges,
    interval_of,
    paired_difference,
    permutation_p_value,
)
from slotlight.evaluation.values import Values, mean_of
from slotlight.metrics import Reliability


@dataclass(frozen=True)
class Estimate:
    """One number of a table.

    Attributes:
        metric: The column.
        mean: Over photographs and seeds; NaN where no photograph defines it.
        seed_deviation: Standard deviation of the seeds' means; None for one seed.
        interval: 95 % over photographs, seeds averaged; None for fewer than two.
        images: Photographs that define it.
    """

    metric: str
    mean: float
    seed_deviation: float | None
    interval: Interval | None
    images: int


@dataclass(frozen=True)
class Row:
    """One model under one protocol.

    Attributes:
        model: Its name.
        is_floor: Whether it stands for comparison only.
        estimates: In the order of the protocol's metrics.
        curves: What the numbers hide.
        reliability: How often its objects are right, by their score, all seeds together; None where scores are not
            judged.
    """

    model: str
    is_floor: bool
    estimates: tuple[Estimate, ...]
    curves: tuple[Curve, ...]
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Comparison:
    """Two rows held against each other, photograph by photograph."""

    metric: str
    first: str
    second: str
    difference: Difference


@dataclass(frozen=True)
class Table:
    """All models under one protocol, and everything that their numbers depend on.

    Attributes:
        protocol: Its name.
        summary: What it measures.
        metrics: Its columns and what they mean.
        dataset: The photographs.
        split: Which part of them.
        resolution: What the models were shown.
        images: How many photographs were measured.
        seeds: How many seeds of each model; those that draw nothing have one.
        rows: One a model.
        comparisons: Each model against every other row; floors are not compared with each other.
        skipped: Why each photograph that was left out was.
        objects: How many annotated objects a metric is about, where that differs between metrics.
    """

    protocol: str
    summary: str
    metrics: tuple[Metric, ...]
    dataset: str
    split: str
    resolution: str
    images: int
    seeds: int
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]
    objects: dict[str, int]

    def best(self) -> tuple[float, ...]:
        """Each column's best mean, the highest or of an error the lowest; NaN where no row has one."""
        columns = zip(*(row.estimates for row in self.rows), strict=True)
        return tuple(
            (min if metric.lower_is_better else max)(
                (f.mean for f in column if f.images), default=float("nan")
            )
            for metric, column in zip(self.metrics, columns, strict=True)
        )


def make_row(protocol: Protocol, values: Values) -> Row:
    """Summarise one model's values."""
    estimates = tuple(
        _pooled_estimate(metric, values)
        if metric.pooled
        else estimate(metric.name, values.matrix(metric.name))
        for metric in protocol.metrics
    )
    images = [image for seed in values.seeds for image in seed.values()]
    return Row(values.model, values.is_floor, estimates, curves_of(images), pooled_reliability(images))


def compare_rows(protocol: Protocol, rows: Sequence[Values]) -> Iterator[Comparison]:
    """Every pair of rows that has a model in it, on every metric."""
    for first, second in combinations(sorted(rows, key=lambda row: row.is_floor), 2):
        if first.is_floor:
            continue
        pooled = _pooled_differences(first, second)
        for metric in protocol.metrics:
            difference = pooled.get(metric.name) if metric.pooled else _difference(metric, first, second)
            if difference is not None:
                yield Comparison(metric.name, first.model, second.model, difference)


def _difference(metric: Metric, first: Values, second: Values) -> Difference | None:
    means = (row.matrix(metric.name).mean(axis=0) for row in (first, second))
    return paired_difference(*means)


def _pooled_differences(first: Values, second: Values) -> dict[str, Difference]:
    exchanged = _exchanged(first, second)
    differences = {}
    for metric, draws in first.pooled_draws.items():
        mean = float(np.mean([s[metric] for s in first.pooled]) - np.mean([s[metric] for s in second.pooled]))
        interval = interval_of(draws - second.pooled_draws[metric])
        if interval is not None and not np.isnan(mean):
            p_value = permutation_p_value(mean, exchanged[metric])
            differences[metric] = Difference(mean, interval, p_value)
    return differences


def _exchanged(first: Values, second: Values) -> dict[str, Float[np.ndarray, " draw"]]:
    """Differences of pooled metrics where models have some of each other's results, mean over seeds."""
    pool = first.pool
    if pool is None:
        return {}
    other = exchanges(len(first.seeds[0]))
    weights, reverse = np.hstack([1 - other, other]), np.hstack([other, 1 - other])
    draws = []
    for seed in range(max(len(first.seeds), len(second.seeds))):
        mine, theirs = (row.seeds[seed % len(row.seeds)] for row in (first, second))
        results = [*mine.values(), *theirs.values()]
        these, those = pool.weighted(results, weights), pool.weighted(results, reverse)
        draws.append({metric: these[metric] - those[metric] for metric in these})
    return mean_of(draws)


def estimate(name: str, matrix: Float[np.ndarray, "seed image"]) -> Estimate:
    """A metric's estimate from every photograph's values under every seed; NaN where it is undefined.

    Example:
        >>> found = estimate("mBO", np.array([[0.2, 0.4], [0.3, 0.5]]))
        >>> round(found.mean, 3), round(found.seed_deviation or 0, 3)
        (0.35, 0.071)
    """
    defined = matrix[:, ~np.isnan(matrix).any(axis=0)]
    if not defined.shape[1]:
        return Estimate(name, float("nan"), None, None, 0)
    by_seed = defined.mean(axis=1)
    interval = bootstrap_interval(defined.mean(axis=0))
    return Estimate(name, float(by_seed.mean()), _deviation(by_seed), interval, defined.shape[1])


def _pooled_estimate(metric: Metric, values: Values) -> Estimate:
    by_seed = np.array([seed[metric.name] for seed in values.pooled])
    images = len(values.seeds[0])
    interval = interval_of(values.pooled_draws[metric.name]) if images > 1 else None
    defined = 0 if np.isnan(by_seed).any() else images
    return Estimate(metric.name, float(by_seed.mean()), _deviation(by_seed), interval, defined)


def _deviation(by_seed: Float[np.ndarray, " seed"]) -> float | None:
    return float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
