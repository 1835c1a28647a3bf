import io
from pathlib import Path

from rich.console import Console

from slotlight.evaluation.protocols import Metric
from slotlight.evaluation.statistics import Interval
from slotlight.evaluation.tables import Estimate, Row, Table
from slotlight.report.terminal import points, print_tables, show_estimate


def test_an_estimate_in_per_cent() -> None:
    assert show_estimate(Estimate("AP", float("nan"), None, None, 0)) == "–"
    found = show_estimate(Estimate("AP", 0.25, 0.01, Interval(0.2, 0.3), 9))
    assert found == "25.0 ± 1.0\n[20.0, 30.0]"
    assert (points(0.1), points(-0.1)) == ("+10.0", "−10.0")


def test_wide_tables_are_printed_in_parts_that_a_narrow_terminal_shows(page: Path) -> None:
    shown = (page.parent / "terminal.txt").read_text()
    for protocol in ("paper", "detection", "saliency"):
        assert shown.count(f"{protocol} · synthetic all · 6 photographs · 2 seeds") == 1
    metrics = tuple(Metric(f"m{number}", "A metric.") for number in range(7))
    row = Row("[x]", False, tuple(Estimate(metric.name, 0.5, None, None, 3) for metric in metrics), ())
    table = Table(
        *("paper", "A protocol.", metrics, "synthetic", "all", "native size", 3, 1),
        *((row,), (), ("[y] is gone",), {}),
    )
    console = Console(record=True, file=io.StringIO(), width=80)
    print_tables([table], console)
    shown = console.export_text()
    assert shown.count("[x]") == 2
    assert "left out: [y] is gone" in shown


def test_no_table_prints_nothing() -> None:
    console = Console(record=True, quiet=True)
    print_tables([], console)
    assert console.export_text() == ""
