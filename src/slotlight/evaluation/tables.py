"""Per-image values → tables: one a protocol, so that numbers of two protocols never share a column."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from slotlight.evaluation.curves import Curve, curves_of
from slotlight.evaluation.statistics import Difference, Interval, bootstrap_interval, paired_difference
from slotlight.measuring import Measured
from slotlight.protocols import Metric, Protocol


@dataclass(frozen=True)
class Figure:
    """One number of a table.

    Attributes:
        metric: Its column.
        mean: Over photographs and seeds; NaN where no photograph defines it.
        seed_deviation: Standard deviation of the seeds' means; None for one seed.
        interval: 95 % over photographs, seeds averaged; None for pooled metrics.
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
        seeds: How many seeds of each model.
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
    pooled = [protocol.pool(list(seed.values())) for seed in values.seeds]
    figures = tuple(
        _pooled_figure(metric, [p[metric.name] for p in pooled], len(values.seeds[0]))
        if metric.pooled
        else _figure(metric, values.matrix(metric.name))
        for metric in protocol.metrics
    )
    images = [image for seed in values.seeds for image in seed.values()]
    return Row(values.model, values.is_floor, figures, curves_of(images))


def compare_rows(protocol: Protocol, rows: Sequence[Values]) -> Iterator[Comparison]:
    """Every pair of rows that has a model in it, on every metric that photographs have values of."""
    for first, second in combinations(sorted(rows, key=lambda row: row.is_floor), 2):
        if first.is_floor:
            continue
        for metric in protocol.metrics:
            if not metric.pooled:
                means = (_over_seeds(row.matrix(metric.name)) for row in (first, second))
                difference = paired_difference(*means)
                if difference is not None:
                    yield Comparison(metric.name, first.model, second.model, difference)


def _figure(metric: Metric, matrix: Float[np.ndarray, "seed image"]) -> Figure:
    defined = matrix[:, ~np.isnan(matrix).any(axis=0)]
    if not defined.shape[1]:
        return Figure(metric.name, float("nan"), None, None, 0)
    by_seed = defined.mean(axis=1)
    interval = bootstrap_interval(defined.mean(axis=0))
    return Figure(metric.name, float(by_seed.mean()), _deviation(by_seed), interval, defined.shape[1])


def _pooled_figure(metric: Metric, by_seed: Sequence[float], images: int) -> Figure:
    return Figure(metric.name, float(np.mean(by_seed)), _deviation(np.array(by_seed)), None, images)


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
