"""Rows → the geometry of dot plots: means, intervals over photographs, a small dot for each training."""

import math
from dataclasses import dataclass

from slotlight.report.charts import Tick
from slotlight.studies.result import Row, StudyResult

WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM = 560, 190, 14, 8, 22, 26
_MOST_TICKS = 7


@dataclass(frozen=True)
class PlotRow:
    """A row's mark, in the plot's units.

    Attributes:
        name: Of the row.
        y: Its height.
        is_floor: Floors are drawn hollow.
        is_supervised: What learned from labels is drawn as a square.
        mean: Where its mean lies.
        interval: Where its interval begins and ends, if it has one.
        trainings: Where each training's mean lies, for several.
    """

    name: str
    y: float
    is_floor: bool
    is_supervised: bool
    mean: float
    interval: tuple[float, float] | None
    trainings: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """All rows under one measure."""

    title: str
    height: int
    ticks: tuple[Tick, ...]
    rows: tuple[PlotRow, ...]


def plots_of(result: StudyResult) -> list[Plot]:
    """A plot for each measure that some photograph defines."""
    return [plot for measure in result.measures if (plot := _plot(result.rows, measure.name)) is not None]


def _plot(rows: tuple[Row, ...], measure: str) -> Plot | None:
    estimates = [(row, row.estimate(measure)) for row in rows]
    estimates = [(row, found) for row, found in estimates if found.images]
    if not estimates:
        return None
    ends = [e for _, found in estimates if found.interval for e in (found.interval.low, found.interval.high)]
    ends += [float(mean) for row, _ in estimates for mean in row.means(measure)]
    ticks = tick_values(min(ends), max(ends))
    low, high = ticks[0], ticks[-1]

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    marks = tuple(
        PlotRow(
            row.name,
            TOP + ROW * (place + 0.5),
            row.is_floor,
            row.is_supervised,
            x(found.mean),
            None if found.interval is None else (x(found.interval.low), x(found.interval.high)),
            tuple(x(float(mean)) for mean in row.means(measure)) if len(row.means(measure)) > 1 else (),
        )
        for place, (row, found) in enumerate(estimates)
    )
    shown = tuple(Tick(x(value), f"{100 * value:g}") for value in ticks)
    return Plot(measure, TOP + ROW * len(marks) + BOTTOM, shown, marks)


def tick_values(low: float, high: float) -> list[float]:
    """Round values that enclose a range, a few of them.

    Example:
        >>> tick_values(0.217, 0.483)
        [0.2, 0.3, 0.4, 0.5]
    """
    span = max(high - low, 0.004)
    power = 10 ** math.floor(math.log10(span))
    steps = (power * factor for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0))
    step = next(s for s in steps if span / s <= _MOST_TICKS - 2)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 10) for place in range(first, max(last, first + 1) + 1)]
