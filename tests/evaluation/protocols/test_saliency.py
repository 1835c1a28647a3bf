import numpy as np
import pytest

from known_discoveries import discovery_of, labels_of
from slotlight.evaluation.protocols.saliency import measure_saliency


def test_all_objects_together_are_held_against_the_foreground(scene: np.ndarray) -> None:
    only_one = np.where(scene == 1, scene, 0)
    found = measure_saliency(discovery_of(scene, only_one), labels_of(scene))
    missed = (scene == 2).sum()
    assert found.values["IoU"] == pytest.approx((scene == 1).sum() / (scene > 0).sum())
    assert found.values["accuracy"] == pytest.approx(1 - missed / scene.size)
    both = measure_saliency(discovery_of(scene, scene), labels_of(scene))
    assert both.values == {"IoU": 1, "accuracy": 1}
