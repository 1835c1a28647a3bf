"""The protocol `masks` from a COCO file to the table, against pycocotools on the same files."""

from pathlib import Path

import pytest

from counted_as_coco import oracle
from slotlight.baselines import build_baseline
from slotlight.datasets import COCODataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate

MASK_NAMES = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")
MASK_NAMES += ("AR@1", "AR@10", "AR@100", "AR small", "AR medium", "AR large")
MASK_NAMES += ("ECE",)


def test_masks_are_counted_as_pycocotools_does(coco: COCODataset, evaluation: Evaluation) -> None:
    expected = dict(zip(MASK_NAMES, oracle(coco, "segm"), strict=True))
    found = {estimate.metric: estimate.mean for estimate in evaluation.tables[0].rows[0].estimates}
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert found["AP"] > 0.01


def test_masks_kept_on_disk_are_those_measured(
    coco: COCODataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Discoverer(build_baseline("kmeans-colour"))
    first = evaluate([model], coco, ["masks"], out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", lambda *_: pytest.fail("a photograph is measured again"))
    assert evaluate([model], coco, ["masks"], out=tmp_path).results[0].values[0].seeds == (
        first.results[0].values[0].seeds
    )
