"""An evaluation's tables in a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from slotlight.evaluation.protocols import Metric
from slotlight.evaluation.tables import Estimate, Table
from slotlight.report.reliability import ReliabilityRows, reliability_rows

_MOST_COLUMNS = 6


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Print every table under its protocol, data, split, number of photographs and resolution."""
    for table in tables:
        for start in range(0, len(table.metrics), _MOST_COLUMNS):
            console.print(_grid(table, slice(start, start + _MOST_COLUMNS)))
        if found := reliability_rows(table):
            console.print(_reliability_grid(found))
        for cause in table.skipped:
            console.print(f"[yellow]left out:[/] {escape(cause)}", highlight=False)


def _grid(table: Table, columns: slice) -> Grid:
    """Some columns of a table, as many as a narrow terminal can show."""
    seeds = f"{table.seeds} seed{'s' if table.seeds > 1 else ''}"
    title = (
        f"[bold]{table.protocol}[/] · {escape(table.dataset)} {escape(table.split)} · "
        f"{table.images} photographs · {seeds}"
    )
    grid = Grid(
        title=title, title_justify="left", title_style="", caption=table.resolution, caption_justify="left"
    )
    grid.add_column("model")
    for metric in table.metrics[columns]:
        grid.add_column(column_heading(table, metric), justify="right")
    for row in table.rows:
        name = f"{row.model} (floor)" if row.is_floor else row.model
        grid.add_row(escape(name), *(escape(show_estimate(estimate)) for estimate in row.estimates[columns]))
    return grid


def _reliability_grid(found: ReliabilityRows) -> Grid:
    title = "Of the objects of each score, how many are right (IoU of at least 0.5), in per cent"
    grid = Grid(title=title, title_justify="left", title_style="")
    grid.add_column("score")
    for model in found.models:
        grid.add_column(escape(model), justify="right")
    for line in found.lines:
        grid.add_row(*line)
    return grid


def column_heading(table: Table, metric: Metric) -> str:
    """A metric's name; below it how many objects it is about, where that differs between metrics."""
    objects = table.objects.get(metric.name)
    return metric.name if objects is None else f"{metric.name}\n{objects:,} objects"


def show_estimate(estimate: Estimate) -> str:
    """An estimate in per cent: its mean ± the seeds' standard deviation; below it, the 95 % interval over photographs.

    Example:
        >>> show_estimate(Estimate("mBO", 0.3942, 0.004, None, 100))
        '39.4 ± 0.4'
    """
    if not estimate.images:
        return "–"
    text = f"{100 * estimate.mean:.1f}"
    if estimate.seed_deviation is not None:
        text += f" ± {100 * estimate.seed_deviation:.1f}"
    if estimate.interval is not None:
        text += f"\n[{100 * estimate.interval.low:.1f}, {100 * estimate.interval.high:.1f}]"
    return text


def points(difference: float) -> str:
    """A difference in points, with its sign.

    Example:
        >>> points(-0.0123)
        '−1.2'
    """
    return f"{100 * difference:+.1f}".replace("-", "−")
