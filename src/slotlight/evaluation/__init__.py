"""Evaluation: models × protocols × seeds → one report with its floors, intervals and tests."""

from slotlight.evaluation.curves import Curve
from slotlight.evaluation.run import evaluate
from slotlight.evaluation.runner import OnError
from slotlight.evaluation.tables import Comparison, Figure, Report, Row, Table
from slotlight.report.terminal import print_tables

__all__ = ["Comparison", "Curve", "Figure", "OnError", "Report", "Row", "Table", "evaluate", "print_tables"]
