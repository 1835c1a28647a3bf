from itertools import islice

import numpy as np
import pytest

from slotlight.datasets import DATASETS, DatasetSource, LabelKind, SyntheticDataset, open_dataset
from slotlight.datasets.synthetic import SHAPES, draw_scene

ALL = frozenset(LabelKind)
SMALL = {"height": 96, "width": 128}


def test_same_seed_same_scene_in_any_order() -> None:
    first, again = SyntheticDataset(seed=5, **SMALL), SyntheticDataset(seed=5, count=9, **SMALL)
    forwards = [first[i].read_image() for i in range(4)]
    draw_scene.cache_clear()
    backwards = [again[i].read_image() for i in reversed(range(4))]
    assert all(np.array_equal(a, b) for a, b in zip(forwards, backwards[::-1], strict=True))
    other = SyntheticDataset(seed=6, **SMALL)
    assert not np.array_equal(first[0].read_image(), other[0].read_image())


def test_labels_agree_with_each_other() -> None:
    for sample in SyntheticDataset(count=20, **SMALL):
        labels = sample.read_labels(ALL)
        numbers = np.unique(labels.instances)
        assert numbers.tolist() == list(range(len(numbers)))
        assert len(labels.boxes_xyxy) == len(numbers) - 1 >= 1
        assert ((labels.instances > 0) == (labels.classes > 0)).all()
        assert labels.classes.max() <= len(SHAPES)
        for number, (x1, y1, x2, y2) in enumerate(labels.boxes_xyxy.astype(int), start=1):
            inside = labels.instances[y1:y2, x1:x2] == number
            assert inside.sum() == (labels.instances == number).sum()
            assert inside.any(0)[[0, -1]].all()
            assert inside.any(1)[[0, -1]].all()


def test_objects_look_unlike_the_ground_beside_them() -> None:
    contrasts = []
    for sample in SyntheticDataset(count=12, **SMALL):
        mask = sample.read_labels(ALL).instances > 0
        image = sample.read_image().astype(float)
        contrasts.append(np.abs(image[mask].mean(0) - image[~mask].mean(0)).sum())
    assert np.mean(contrasts) > 80


def test_occlusion_can_be_forbidden() -> None:
    touching = SyntheticDataset(count=30, most_objects=6, least_visible=0.2, **SMALL)
    apart = SyntheticDataset(count=30, most_objects=6, least_visible=1.0, **SMALL)
    assert mean_objects(touching) > mean_objects(apart) >= 1


def test_small_objects_on_demand() -> None:
    scenes = SyntheticDataset(count=10, radius=(0.04, 0.08), **SMALL)
    sides = [s.read_labels(ALL).boxes_xyxy[:, 2:] - s.read_labels(ALL).boxes_xyxy[:, :2] for s in scenes]
    assert np.concatenate(sides).max() < 0.35 * 96


def test_scenes_without_objects_on_demand() -> None:
    dataset = SyntheticDataset(count=5, fewest_objects=0, most_objects=0, **SMALL)
    assert mean_objects(dataset) == 0


def test_identity_is_the_same_in_every_process() -> None:
    assert "frozenset" not in repr(SyntheticDataset())  # whose order varies
    first, more, small = (
        SyntheticDataset(count=c, radius=r)[0] for c, r in ((3, (0.1, 0.3)), (4, (0.1, 0.3)), (3, (0.1, 0.2)))
    )
    assert first.identity() == more.identity() != small.identity()


def test_named_sets_are_what_they_are_called() -> None:
    few, small, crowded = (open_dataset(DatasetSource(name)) for name in DATASETS)
    assert [d.name for d in (few, small, crowded)] == list(DATASETS)
    areas = [np.mean([(s.read_labels(ALL).instances == 1).sum() for s in islice(d, 4)]) for d in (few, small)]
    assert areas[1] < areas[0] / 4
    counts = [np.mean([len(s.read_labels(ALL).boxes_xyxy) for s in islice(d, 4)]) for d in (few, crowded)]
    assert counts[1] > counts[0]


def test_index_out_of_range() -> None:
    with pytest.raises(IndexError):
        SyntheticDataset(count=3)[3]


def mean_objects(dataset: SyntheticDataset) -> float:
    return float(np.mean([len(s.read_labels(ALL).boxes_xyxy) for s in dataset]))
