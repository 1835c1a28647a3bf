"""How often objects of each score are right, as rows of text for a page, Markdown and a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from slotlight.evaluation.tables import Row, Table


@dataclass(frozen=True)
class ReliabilityRows:
    """One line for each tenth of the score in which a model found objects.

    Attributes:
        models: The columns: all models, or floors where a table has nothing else.
        lines: The tenth, then a cell for each model.
    """

    models: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def reliability_rows(table: Table) -> ReliabilityRows | None:
    """The lines of a table; None where its protocol does not judge scores, or nothing was found."""
    judged = [row for row in table.rows if row.reliability is not None and any(row.reliability.counts)]
    shown = [row for row in judged if not row.is_floor] or judged
    if not shown:
        return None
    return ReliabilityRows(tuple(row.model for row in shown), tuple(_lines(shown)))


def _lines(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    found = [row.reliability for row in rows if row.reliability is not None]
    bins = len(found[0].counts)
    return [
        (
            f"{100 * b // bins} to {100 * (b + 1) // bins}",
            *(cell(one.right[b], one.counts[b]) for one in found),
        )
        for b in range(bins)
        if any(one.counts[b] for one in found)
    ]


def cell(right: float, count: int) -> str:
    """A share in per cent, and of how many.

    Example:
        >>> cell(0.417, 139), cell(float("nan"), 0)
        ('41.7 of 139', '–')
    """
    return f"{100 * right:.1f} of {count:,}" if count else "–"
