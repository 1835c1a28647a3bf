"""A report in a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from slotlight.evaluation.tables import Figure, Report, Table


def print_tables(report: Report, console: Console) -> None:
    """Print one table a protocol; protocol, data, split, resolution and number of photographs stand above it."""
    for table in report.tables:
        console.print(_grid(table))
        for cause in table.skipped:
            console.print(f"[yellow]left out:[/] {escape(cause)}", highlight=False)


def _grid(table: Table) -> Grid:
    seeds = f"{table.seeds} seed{'s' if table.seeds > 1 else ''}"
    title = (
        f"[bold]{table.protocol}[/] · {table.dataset} {table.split} · {table.images} photographs · {seeds}"
    )
    grid = Grid(
        title=title, title_justify="left", title_style="", caption=table.resolution, caption_justify="left"
    )
    grid.add_column("model")
    for metric in table.metrics:
        grid.add_column(metric.name, justify="right")
    for row in table.rows:
        name = f"{row.model} (floor)" if row.is_floor else row.model
        grid.add_row(escape(name), *(escape(show_figure(figure)) for figure in row.figures))
    return grid


def show_figure(figure: Figure) -> str:
    """A figure in per cent: its mean ± the seeds' standard deviation; below it, the 95 % interval over photographs.

    Example:
        >>> show_figure(Figure("mBO", 0.3942, 0.004, None, 100))
        '39.4 ± 0.4'
    """
    if not figure.images:
        return "–"
    text = f"{100 * figure.mean:.1f}"
    if figure.seed_deviation is not None:
        text += f" ± {100 * figure.seed_deviation:.1f}"
    if figure.interval is not None:
        text += f"\n[{100 * figure.interval.low:.1f}, {100 * figure.interval.high:.1f}]"
    return text
