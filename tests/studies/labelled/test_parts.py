"""Who teaches and who is measured: never the same photograph."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import LabelKind, Sample, SyntheticDataset, VOCDataset
from slotlight.errors import DatasetError
from slotlight.studies.labelled.parts import taught_and_measured

SCENES = SyntheticDataset(count=23)


def ids(dataset: object) -> list[str]:
    return [dataset[place].id for place in range(len(dataset))]  # type: ignore[index, arg-type]


@pytest.mark.parametrize(("count", "most"), [(2, 9), (5, 9), (23, 9), (23, 2)])
def test_a_fifth_teaches_and_the_others_are_measured(count: int, most: int) -> None:
    taught, measured = taught_and_measured(replace(SCENES, count=count), most)
    everything, fifth = ids(replace(SCENES, count=count)), ids(replace(SCENES, count=count))[::5]
    assert set(ids(taught)) <= set(fifth)
    assert len(taught) == min(most, len(fifth))
    assert ids(measured) == [name for name in everything if name not in fifth]


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    root = tmp_path / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    names = [f"2007_{number:06}" for number in range(12)]
    for name in names:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(root / f"JPEGImages/{name}.jpg")
    (root / "ImageSets/Segmentation/val.txt").write_text("\n".join(names))
    return root


def test_of_voc_the_development_fifth_teaches_and_test_never_does(devkit: Path) -> None:
    dev, test = (ids(VOCDataset(devkit, split)) for split in ("dev", "test"))
    for split in ("val", "test"):
        taught, measured = taught_and_measured(VOCDataset(devkit, split), 100)
        assert (ids(taught), ids(measured)) == (dev, test)
    taught, measured = taught_and_measured(VOCDataset(devkit, "dev"), 100)
    assert (ids(taught), ids(measured)) == (dev[::5], dev[1:])


@dataclass(frozen=True)
class Twice(SyntheticDataset):
    """Each scene stands in it twice."""

    def __getitem__(self, index: int) -> Sample:
        return super().__getitem__(index // 2)


def test_what_cannot_be_parted_is_refused() -> None:
    with pytest.raises(DatasetError, match="give two at least"):
        taught_and_measured(replace(SCENES, count=1), 9)
    with pytest.raises(DatasetError, match="no masks"):
        taught_and_measured(replace(SCENES, label_kinds=frozenset({LabelKind.BOXES})), 9)
    with pytest.raises(DatasetError, match="would teach and be measured"):
        taught_and_measured(Twice(count=6), 9)
