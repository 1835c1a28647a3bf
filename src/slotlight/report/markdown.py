"""A report as Markdown, to be pasted into a page of documentation."""

from slotlight.evaluation.tables import Figure, Report, Row, Table
from slotlight.report.terminal import show_figure


def to_markdown(report: Report) -> str:
    """All tables, one a protocol, then what made them; the best mean of each column is bold."""
    made = f"```\n{report.command}\n```\n\nSlotlight {report.version}, {report.device}.\n"
    return "\n".join([*map(_section, report.tables), made])


def _section(table: Table) -> str:
    photographs = f"{table.images:,} photographs"
    lines = [f"### `{table.protocol}`, {table.dataset} {table.split}", ""]
    lines += [f"{photographs}; {table.resolution}; {_seeds(table.seeds)}.", ""]
    lines += ["| | " + " | ".join(metric.name for metric in table.metrics) + " |"]
    lines += ["|---" * (len(table.metrics) + 1) + "|"]
    lines += [_line(row, table) for row in table.rows]
    lines += [f"- left out: {cause}" for cause in table.skipped]
    return "\n".join(lines) + "\n"


def _seeds(count: int) -> str:
    return f"± over {count} seeds, where they matter" if count > 1 else "one seed"


def _line(row: Row, table: Table) -> str:
    name = f"{row.model} (floor)" if row.is_floor else f"**{row.model}**"
    cells = [_cell(figure, best) for figure, best in zip(row.figures, table.best(), strict=True)]
    return "| " + " | ".join([name, *cells]) + " |"


def _cell(figure: Figure, best: float) -> str:
    mean, *interval = show_figure(figure).split("\n")
    bold = figure.images and figure.mean == best
    return " ".join([f"**{mean}**" if bold else mean, *interval])
