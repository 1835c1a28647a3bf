"""A report that several tests read."""

from pathlib import Path

import pytest
from rich.console import Console

from slotlight.baselines import build_baseline
from slotlight.datasets import SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate
from slotlight.report.terminal import print_tables
from slotlight.report.write import write_report


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a real evaluation of one baseline beside a floor, two seeds, on drawn scenes."""
    out = tmp_path_factory.mktemp("report")
    scenes = SyntheticDataset(count=6, height=96, width=128)
    model, floor = (Discoverer(build_baseline(name)) for name in ("kmeans-colour", "whole-image"))
    options = EvaluationOptions(seeds=2)
    command = "slotlight evaluate --data synthetic <&>"
    report = evaluate(
        [model],
        scenes,
        ["paper", "detection", "saliency"],
        out=out,
        floors=[floor],
        options=options,
        command=command,
    )
    assert write_report(report, out, [model]) == []
    with (out / "terminal.txt").open("w") as shown:
        print_tables(report.tables, Console(file=shown))
    return out / "report.html"
