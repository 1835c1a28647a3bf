"""Curves → the geometry of small line charts, which the report's template draws as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from slotlight.evaluation.tables import Row

WIDTH, HEIGHT = 420, 264
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 26, 40
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Line:
    """One model's line.

    Attributes:
        model: Its name.
        colour: Which of the page's series colours.
        is_floor: Floors are drawn thin and dashed.
        points: As SVG's ``points``.
    """

    model: str
    colour: int
    is_floor: bool
    points: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in the chart's units, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """All models' lines of one kind; the diagonal is drawn where it is the best line."""

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    has_diagonal: bool


def charts_of(rows: Sequence[Row], colours: dict[str, int]) -> list[Chart]:
    """One chart for each kind of curve that the rows have; floors first, so that models lie on top."""
    titles = dict.fromkeys(curve.title for row in rows for curve in row.curves)
    return [_chart(title, sorted(rows, key=lambda row: not row.is_floor), colours) for title in titles]


def _chart(title: str, rows: Sequence[Row], colours: dict[str, int]) -> Chart:
    curves = [(row, curve) for row in rows for curve in row.curves if curve.title == title]
    first = curves[0][1]
    lines = tuple(
        Line(row.model, colours[row.model], row.is_floor, _points(curve.x, curve.y)) for row, curve in curves
    )
    x_ticks = tuple(Tick(_x(v), f"{v:g}") for v in _TICKS)
    y_ticks = tuple(Tick(_y(v), f"{v:g}") for v in _TICKS)
    return Chart(title, first.x_label, first.y_label, x_ticks, y_ticks, lines, first.is_diagonal_best)


def _points(x: Sequence[float], y: Sequence[float]) -> str:
    points = [f"{_x(a):.1f},{_y(b):.1f}" for a, b in zip(x, y, strict=True)]
    return " ".join(points * 2 if len(points) == 1 else points)  # round caps make a lone point a dot


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)
