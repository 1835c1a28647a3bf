import json
from pathlib import Path

from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate


def test_report_json_says_all_that_a_number_depends_on(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    evaluate(
        models[:1],
        scenes,
        ["corloc"],
        out=tmp_path,
        options=EvaluationOptions(limit=4),
        command="slotlight evaluate …",
    )
    content = json.loads((tmp_path / "report.json").read_text())
    table = content["tables"][0]
    assert content["command"] == "slotlight evaluate …"
    assert {k: table[k] for k in ("protocol", "dataset", "split", "resolution", "images", "seeds")} == {
        "protocol": "corloc",
        "dataset": "synthetic",
        "split": "all",
        "resolution": "native size",
        "images": 4,
        "seeds": 1,
    }
