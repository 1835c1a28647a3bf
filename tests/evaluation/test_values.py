from pathlib import Path

import numpy as np
import pytest

from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.run import evaluate


def test_estimates_are_the_means_of_what_is_kept_for_each_image(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    rows = (tmp_path / "per_image" / "paper.csv").read_text().splitlines()
    assert rows[0] == "photograph,model,seed,mIoU,mBO,CorLoc"
    values = np.array([[float(v) for v in row.split(",")[3:]] for row in rows[1:]])
    assert [f.mean for f in report.tables[0].rows[0].estimates] == pytest.approx(values.mean(0).tolist())
