import pytest

from counted_as_coco import oracle
from slotlight.datasets import COCODataset
from slotlight.evaluation.result import Evaluation

BOX_NAMES = {"AP": 0, "AP50": 1, "AR@1": 6, "AR@10": 7, "AR@100": 8, "ECE": 12}


def test_boxes_and_crowds_are_counted_as_pycocotools_does(coco: COCODataset, evaluation: Evaluation) -> None:
    stats = oracle(coco, "bbox")
    found = {estimate.metric: estimate.mean for estimate in evaluation.tables[1].rows[0].estimates}
    assert found == pytest.approx({name: stats[place] for name, place in BOX_NAMES.items()}, abs=1e-6)
