"""Evaluation: models × protocols × seeds → one report with its floors, intervals and tests."""

from slotlight.evaluation.curves import Curve
from slotlight.evaluation.evaluate import evaluate
from slotlight.evaluation.printing import print_tables
from slotlight.evaluation.runner import OnError
from slotlight.evaluation.tables import Comparison, Figure, Report, Row, Table

__all__ = ["Comparison", "Curve", "Figure", "OnError", "Report", "Row", "Table", "evaluate", "print_tables"]
