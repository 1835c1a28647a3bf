"""Features → groups: what is told apart, how many, the same for the same seed."""

import numpy as np
import pytest

from slotlight.errors import ConfigError
from slotlight.groups.clustering import cluster, normalised


def kinds(sizes: list[int], seed: int = 0, noise: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Noisy objects of some kinds in a random order, and their kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.arange(len(sizes)).repeat(sizes))
    centres = 3 * np.eye(len(sizes), 12)
    return (centres[kind] + rng.normal(0, noise, (len(kind), 12))).astype(np.float32), kind


def test_the_number_of_groups_is_found():
    features, kind = kinds([40, 25, 20, 12, 8])
    found = cluster(features)
    assert found.chosen_by is not None
    assert found.chosen_by > 0.5
    assert found.group.tolist() == [[1, 2, 3, 4, 5][one] for one in kind]  # the largest first


def test_a_given_number_is_kept_and_a_seed_repeats():
    features, _ = kinds([30, 30, 30], noise=1.0)
    first, again = (cluster(features, 7, seed=3) for _ in range(2))
    assert sorted(set(first.group.tolist())) == list(range(1, 8))
    assert np.array_equal(first.group, again.group)
    sizes = np.bincount(first.group)[1:]
    assert (np.diff(sizes) <= 0).all()
    assert first.chosen_by is None


def test_distances_are_from_the_middle_of_the_group():
    features, _ = kinds([20, 20])
    found = cluster(features, 2)
    points = normalised(features)
    middle = points[found.group == 2].mean(axis=0)
    expected = np.linalg.norm(points[found.group == 2] - middle, axis=1)
    assert np.allclose(found.distance[found.group == 2], expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 4])
def test_few_objects_are_one_group(count):
    features, _ = kinds([count])
    assert cluster(features).group.tolist() == [1] * count


def test_equal_objects_are_one_group():
    assert cluster(np.ones((30, 4), np.float32)).group.tolist() == [1] * 30


@pytest.mark.parametrize(
    ("features", "says"), [(kinds([3])[0], "of 3 objects"), (np.ones((9, 4)), "of 1 different objects")]
)
def test_more_groups_than_objects_are_refused(features, says):
    with pytest.raises(ConfigError, match=f"4 groups cannot be made {says}"):
        cluster(features, 4)
