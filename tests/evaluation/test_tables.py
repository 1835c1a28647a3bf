from pathlib import Path

import pytest

from slotlight.baselines import build_baseline
from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.run import evaluate
from thirds import EVERY, TWO_SEEDS, Thirds


def test_every_protocol_has_a_table_of_its_own(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, EVERY, out=tmp_path, floors=models[1:], options=TWO_SEEDS)
    assert [table.protocol for table in report.tables] == EVERY
    for table in report.tables:
        assert (table.dataset, table.split, table.images, table.seeds) == ("synthetic", "all", 6, 2)
        assert [(row.model, row.is_floor) for row in table.rows] == [("steady", False), ("shaky", True)]
        for row in table.rows:
            assert [f.metric for f in row.estimates] == [m.name for m in table.metrics]
            assert all(0 <= f.mean <= 1 or not f.images for f in row.estimates if f.metric != "FG-ARI")
    steady, shaky = report.tables[0].rows
    assert steady.estimates[0].seed_deviation == 0
    assert shaky.estimates[0].seed_deviation > 0
    assert steady.estimates[0].interval.low <= steady.estimates[0].mean <= steady.estimates[0].interval.high
    assert {c.second for c in report.tables[0].comparisons} == {"shaky"}


def test_pooled_estimates_have_intervals_and_tests_too(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(Thirds("steady", 0)), Discoverer(build_baseline("whole-image"))]
    report = evaluate(models, scenes, ["detection", "saliency"], out=tmp_path, options=TWO_SEEDS)
    for table in report.tables:
        pooled = {metric.name for metric in table.metrics if metric.pooled}
        assert pooled <= {comparison.metric for comparison in table.comparisons}
        for row in table.rows:
            for estimate in row.estimates:
                assert estimate.interval.low <= estimate.mean + 0.05
                assert estimate.mean <= estimate.interval.high + 0.05
    ap = next(c for c in report.tables[0].comparisons if c.metric == "AP")
    means = [row.estimates[0].mean for row in report.tables[0].rows]
    assert ap.difference.mean == pytest.approx(means[0] - means[1])
    assert 0 < ap.difference.p_value <= 1
