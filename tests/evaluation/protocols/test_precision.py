import json

from slotlight.datasets import COCODataset
from slotlight.evaluation.result import Evaluation


def test_objects_stand_beside_every_size(coco: COCODataset, evaluation: Evaluation) -> None:
    annotations = [a for a in json.loads(coco.path.read_text())["annotations"] if not a["iscrowd"]]
    small = sum(a["area"] < 32**2 for a in annotations)
    large = sum(a["area"] > 96**2 for a in annotations)
    table = evaluation.tables[0]
    assert table.objects["AP small"] == table.objects["AR small"] == small > 0
    assert table.objects["AP large"] == large
    assert table.objects["AP medium"] == len(annotations) - small - large
