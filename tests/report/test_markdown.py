from pathlib import Path

from slotlight.datasets import SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.run import evaluate
from slotlight.report.markdown import to_markdown
from thirds import EVERY, TWO_SEEDS, Thirds


def test_markdown_holds_every_table(tmp_path: Path) -> None:
    scenes = SyntheticDataset(count=6, height=48, width=64)
    steady, shaky = Discoverer(Thirds("steady", 0)), Discoverer(Thirds("shaky", 0.4))
    report = evaluate(
        [steady], scenes, EVERY, out=tmp_path, floors=[shaky], options=TWO_SEEDS, command="x --y"
    )
    text = to_markdown(report)
    assert [f"### `{name}`, synthetic all" in text for name in EVERY] == [True] * 7
    assert "```\nx --y\n```" in text
    estimate = report.tables[0].rows[0].estimates[0]
    assert f"{100 * estimate.mean:.1f} ± {100 * estimate.seed_deviation:.1f}" in text
    assert "| shaky (floor) |" in text
