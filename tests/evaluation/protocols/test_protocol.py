from pathlib import Path

import numpy as np
import pytest

from known_discoveries import discovery_of, labels_of
from slotlight.datasets import FolderDataset, LabelKind, SyntheticDataset
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols import PROTOCOLS, check_labels, find_protocol


def all_values(name: str, measured: Measured) -> dict[str, float]:
    pool = PROTOCOLS[name].pool
    return measured.values | (pool.estimates([measured]) if pool else {})


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_perfect_discovery_is_worth_1(name: str, scene: np.ndarray) -> None:
    measured = PROTOCOLS[name].measure(discovery_of(scene, scene, [1.0, 0.9]), labels_of(scene))
    values = all_values(name, measured)
    assert set(values) == {metric.name for metric in PROTOCOLS[name].metrics}
    if name in ("detection", "masks"):
        assert values.pop("AR@1") == pytest.approx(0.5)  # one box cannot find two objects
        assert values.pop("ECE") == pytest.approx(0.05)  # of the two scores, one is 0.1 too low
    if name == "saliency":
        assert values["max F-beta"] == pytest.approx(1)
    if name == "masks":  # both objects are smaller than 32² pixels
        assert all(
            np.isnan(values.pop(f"{kind} {size}")) for kind in ("AP", "AR") for size in ("medium", "large")
        )
    assert values == pytest.approx(dict.fromkeys(values, 1.0))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_renaming_slots_changes_nothing(name: str, scene: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 5, (8, 12)).repeat(5, 0).repeat(5, 1).astype(np.uint8)
    renamed = rng.permutation(5).astype(np.uint8)[segments]
    first, second = (PROTOCOLS[name].measure(discovery_of(s), labels_of(scene)) for s in (segments, renamed))
    assert all_values(name, first) == pytest.approx(all_values(name, second), nan_ok=True)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_image_without_objects_is_undefined_or_counted(name: str, scene: np.ndarray) -> None:
    empty = labels_of(np.zeros_like(scene))
    measured = PROTOCOLS[name].measure(discovery_of(scene, scene), empty)
    undefined = {k for k, v in measured.values.items() if np.isnan(v)}
    expected = {
        "paper": {"mBO", "CorLoc"},
        "paper-as-released": {"mBO", "CorLoc"},
        "instances": {"mBO_i", "mBO_c", "FG-ARI", "mIoU"},
        "corloc": {"CorLoc-1"},
        "detection": set(),
        "masks": set(),
        "saliency": set(),
    }
    assert undefined == expected[name]
    assert measured.objects.overlaps == ()


def test_nothing_found_is_a_miss(scene: np.ndarray) -> None:
    nothing = discovery_of(np.zeros_like(scene))
    assert PROTOCOLS["corloc"].measure(nothing, labels_of(scene)).values == {"CorLoc-1": 0}
    detection = PROTOCOLS["detection"].measure(nothing, labels_of(scene))
    assert detection.objects.overlaps == (0, 0)
    assert PROTOCOLS["detection"].pool.estimates([detection])["AP"] == 0


def test_a_dataset_that_lacks_labels_is_refused_in_one_sentence(photo_paths: list[Path]) -> None:
    folder = FolderDataset(photo_paths[0].parent)
    with pytest.raises(
        DatasetError, match=r"needs class masks, which .* lacks; protocols that it allows: none\."
    ):
        check_labels(find_protocol("paper"), folder)
    for protocol in PROTOCOLS.values():
        check_labels(protocol, SyntheticDataset(count=1))


def test_unknown_protocols_are_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'paper'"):
        find_protocol("papers")


def test_every_protocol_says_what_it_needs_and_means() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.needs <= frozenset(LabelKind)
        assert all(metric.meaning.endswith(".") for metric in protocol.metrics)
