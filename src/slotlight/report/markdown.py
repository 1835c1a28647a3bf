"""An evaluation as Markdown, to be pasted into a page of documentation."""

from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.tables import Estimate, Row, Table
from slotlight.report.reliability import reliability_rows
from slotlight.report.terminal import column_heading, show_estimate


def to_markdown(evaluation: Evaluation) -> str:
    """All tables, one for each protocol, then what made them; the best mean of each column is bold."""
    made = f"```\n{evaluation.command}\n```\n\nSlotlight {evaluation.version}, {evaluation.device}.\n"
    return "\n".join([*map(_section, evaluation.tables), made])


def _section(table: Table) -> str:
    photographs = f"{table.images:,} photographs"
    lines = [f"### `{table.protocol}`, {table.dataset} {table.split}", ""]
    lines += [f"{photographs}; {table.resolution}; {_seeds(table.seeds)}.", ""]
    headings = (column_heading(table, metric).replace("\n", "<br>") for metric in table.metrics)
    lines += ["| | " + " | ".join(headings) + " |"]
    lines += ["|---" * (len(table.metrics) + 1) + "|"]
    lines += [_line(row, table) for row in table.rows]
    lines += [f"- left out: {cause}" for cause in table.skipped]
    lines += _reliability(table)
    return "\n".join(lines) + "\n"


def _reliability(table: Table) -> list[str]:
    found = reliability_rows(table)
    if found is None:
        return []
    lines = ["", "Of the objects of each score, how many per cent are right (IoU of at least 0.5):", ""]
    lines += ["| score | " + " | ".join(found.models) + " |", "|---" * (len(found.models) + 1) + "|"]
    return lines + ["| " + " | ".join(line) + " |" for line in found.lines]


def _seeds(count: int) -> str:
    return f"± over {count} seeds, where they matter" if count > 1 else "one seed"


def _line(row: Row, table: Table) -> str:
    name = f"{row.model} (floor)" if row.is_floor else f"**{row.model}**"
    cells = [_cell(estimate, best) for estimate, best in zip(row.estimates, table.best(), strict=True)]
    return "| " + " | ".join([name, *cells]) + " |"


def _cell(estimate: Estimate, best: float) -> str:
    mean, *interval = show_estimate(estimate).split("\n")
    bold = estimate.images and estimate.mean == best
    return " ".join([f"**{mean}**" if bold else mean, *interval])
