import numpy as np
import pytest

from slotlight.datasets import LabelKind, SyntheticDataset
from slotlight.errors import ConfigError, UnknownNameError
from slotlight.studies.corruptions import CORRUPTIONS, CorruptedDataset, corrupt
from slotlight.studies.declaration import Shift

SCENES = SyntheticDataset(count=2, height=120, width=160)
IMAGE = SCENES[0].read_image()


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("severity", [1, 5])
def test_a_corruption_is_a_function_of_name_severity_and_seed(kind: str, severity: int) -> None:
    shift, before = Shift(kind, severity), IMAGE.copy()
    found = corrupt(IMAGE, shift, name="a", seed=1)
    assert (found.shape, found.dtype) == (IMAGE.shape, np.uint8)
    assert np.array_equal(found, corrupt(IMAGE, shift, name="a", seed=1))
    assert np.array_equal(IMAGE, before)
    assert not np.array_equal(found, IMAGE)
    if kind in ("noise", "fog"):
        assert not np.array_equal(found, corrupt(IMAGE, shift, name="b", seed=1))
        assert not np.array_equal(found, corrupt(IMAGE, shift, name="a", seed=2))


@pytest.mark.parametrize("kind", ["noise", "blur", "jpeg", "contrast", "dark", "fog", "pixels"])
def test_severities_rise(kind: str) -> None:
    far = [
        np.abs(corrupt(IMAGE, Shift(kind, level), name="a").astype(float) - IMAGE).mean()
        for level in range(1, 6)
    ]
    assert far == sorted(far)


def test_a_corrupted_dataset_keeps_labels_and_has_an_identity_of_its_own() -> None:
    noisy, noisier = (CorruptedDataset(SCENES, Shift("noise", level)) for level in (1, 2))
    kinds = frozenset({LabelKind.INSTANCES})
    labels = [dataset[1].read_labels(kinds).instances for dataset in (SCENES, noisy)]
    assert np.array_equal(*labels)
    assert len({dataset[1].identity() for dataset in (SCENES, noisy, noisier)}) == 3
    assert not np.array_equal(noisy[1].read_image(), SCENES[1].read_image())


def test_unknown_kinds_and_severities_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'noise'"):
        corrupt(IMAGE, Shift("noize", 1), name="a")
    with pytest.raises(ConfigError, match="severity is 6"):
        corrupt(IMAGE, Shift("noise", 6), name="a")
