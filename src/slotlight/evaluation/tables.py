"""Per-image values → tables: one a protocol, so that numbers of two protocols never share a column."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from slotlight.evaluation.curves import Curve, curves_of
from slotlight.evaluation.statistics import (
    Difference,
    Interval,
    Weights,
    bootstrap_interval,
    bootstrap_weights,
    interval_of,
    paired_difference,
    pooled_difference,
)
from slotlight.measuring import Measured
from slotlight.protocols import Metric, Pool, Protocol


@dataclass(frozen=True)
class Figure:
    """One number of a table.

    Attributes:
        metric: Its column.
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
        is_floor: Whether it knows nothing, and stands for comparison.
        figures: In the order of the protocol's metrics.
        curves: What the numbers hide.
    """

    model: str
    is_floor: bool
    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...]


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
        comparisons: Each model that is no floor against every other row.
        skipped: Why each photograph that was left out was.
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

    def best(self) -> tuple[float, ...]:
        """Each column's highest mean; NaN where no row has one."""
        columns = zip(*(row.figures for row in self.rows), strict=True)
        return tuple(max((f.mean for f in column if f.images), default=float("nan")) for column in columns)


@dataclass(frozen=True)
class Report:
    """Everything an evaluation says.

    Attributes:
        tables: One a protocol.
        command: What was typed.
        version: Of Slotlight.
        device: What it ran on.
    """

    tables: tuple[Table, ...]
    command: str
    version: str
    device: str

    def write(self, path: Path) -> None:
        """Write ``report.json``; what is not defined is null."""
        path.write_text(json.dumps(_plain(asdict(self)), indent=1) + "\n")


@dataclass(frozen=True)
class Values:
    """All that was measured of one model under one protocol.

    Attributes:
        model: Its name.
        is_floor: Whether it is one.
        seeds: For each seed every photograph's values, by index, the same photographs for all.
    """

    model: str
    is_floor: bool
    seeds: tuple[dict[int, Measured], ...]

    def matrix(self, metric: str) -> Float[np.ndarray, "seed image"]:
        """One metric's values; NaN where undefined."""
        return np.array([[image.values[metric] for image in seed.values()] for seed in self.seeds])


def make_row(protocol: Protocol, values: Values) -> Row:
    """Summarise one model's values."""
    own = {m.name: _figure(m, values.matrix(m.name)) for m in protocol.metrics if not m.pooled}
    figures = own | (_pooled_figures(protocol.pool, values) if protocol.pool else {})
    images = [image for seed in values.seeds for image in seed.values()]
    ordered = tuple(figures[metric.name] for metric in protocol.metrics)
    return Row(values.model, values.is_floor, ordered, curves_of(images))


def compare_rows(protocol: Protocol, rows: Sequence[Values]) -> Iterator[Comparison]:
    """Every pair of rows that has a model in it, on every metric."""
    for first, second in combinations(sorted(rows, key=lambda row: row.is_floor), 2):
        if first.is_floor:
            continue
        for metric in protocol.metrics:
            difference = _difference(metric, protocol.pool, first, second)
            if difference is not None:
                yield Comparison(metric.name, first.model, second.model, difference)


def _difference(metric: Metric, pool: Pool | None, first: Values, second: Values) -> Difference | None:
    if not metric.pooled or pool is None:
        means = (_over_seeds(row.matrix(metric.name)) for row in (first, second))
        return paired_difference(*means)
    exchanged = partial(_exchanged, metric.name, pool, first, second)
    return pooled_difference(exchanged, len(first.seeds[0]))


def _exchanged(
    metric: str, pool: Pool, first: Values, second: Values, own: Weights, other: Weights
) -> Float[np.ndarray, " draw"]:
    """The difference of a pooled metric where models have some of each other's results, mean over seeds."""
    weights, reverse = np.hstack([own, other]), np.hstack([other, own])
    draws = []
    for seed in range(max(len(first.seeds), len(second.seeds))):
        mine, theirs = (row.seeds[seed % len(row.seeds)] for row in (first, second))
        results = [*mine.values(), *theirs.values()]
        draws.append(pool.weighted(results, weights)[metric] - pool.weighted(results, reverse)[metric])
    return np.mean(draws, axis=0)


def _figure(metric: Metric, matrix: Float[np.ndarray, "seed image"]) -> Figure:
    defined = matrix[:, ~np.isnan(matrix).any(axis=0)]
    if not defined.shape[1]:
        return Figure(metric.name, float("nan"), None, None, 0)
    by_seed = defined.mean(axis=1)
    interval = bootstrap_interval(defined.mean(axis=0))
    return Figure(metric.name, float(by_seed.mean()), _deviation(by_seed), interval, defined.shape[1])


def _pooled_figures(pool: Pool, values: Values) -> dict[str, Figure]:
    seeds = [list(seed.values()) for seed in values.seeds]
    images = len(seeds[0])
    means = [pool.figures(seed) for seed in seeds]
    draws = [pool.weighted(seed, bootstrap_weights(images)) for seed in seeds] if images > 1 else []
    figures = {}
    for metric in means[0]:
        by_seed = np.array([seed[metric] for seed in means])
        interval = interval_of(np.mean([seed[metric] for seed in draws], axis=0)) if draws else None
        defined = 0 if np.isnan(by_seed).any() else images
        figures[metric] = Figure(metric, float(by_seed.mean()), _deviation(by_seed), interval, defined)
    return figures


def _deviation(by_seed: Float[np.ndarray, " seed"]) -> float | None:
    return float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None


def _over_seeds(matrix: Float[np.ndarray, "seed image"]) -> Float[np.ndarray, " image"]:
    return np.asarray(matrix.mean(axis=0))


def _plain(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
