import numpy as np

from known_discoveries import discovery_of, labels_of
from slotlight.evaluation.protocols import PROTOCOLS


def test_only_the_best_scored_box_counts_in_corloc(scene: np.ndarray) -> None:
    wrong_first = np.zeros_like(scene)
    wrong_first[:3, 50:], wrong_first[scene == 2] = 1, 2
    protocol = PROTOCOLS["corloc"]
    assert protocol.measure(discovery_of(scene, wrong_first), labels_of(scene)).values["CorLoc-1"] == 0
    right_first = np.select([wrong_first == 1, wrong_first == 2], [2, 1], 0)
    assert protocol.measure(discovery_of(scene, right_first), labels_of(scene)).values["CorLoc-1"] == 1
