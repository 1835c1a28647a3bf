import numpy as np
import pytest
from scipy import stats

from slotlight.studies.paired_tests import (
    compare,
    detectable_difference,
    power_of,
    spread_test,
    trainings_needed,
)


def values(offset: float, seed: int) -> np.ndarray:
    """Four trainings on thirty photographs."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.4, 0.1, (4, 30)) + offset


def test_the_interval_over_trainings_is_the_paired_t_interval() -> None:
    first, second = values(0.03, 0), values(0, 1)
    test = compare(first, second)
    assert test is not None
    expected = stats.ttest_rel(first.mean(1), second.mean(1))
    assert test.p_trainings == pytest.approx(expected.pvalue)
    assert test.over_trainings is not None
    low, high = expected.confidence_interval(0.95)
    assert (test.over_trainings.low, test.over_trainings.high) == pytest.approx((low, high))
    assert test.difference == pytest.approx(first.mean() - second.mean())


def test_photographs_that_either_leaves_undefined_count_for_neither() -> None:
    first, second = values(0, 0), values(0, 1)
    first[0, 3] = second[2, 7] = np.nan
    kept = [place for place in range(30) if place not in (3, 7)]
    assert compare(first, second) == compare(first[:, kept], second[:, kept])
    assert compare(np.full((2, 3), np.nan), np.zeros((2, 3))) is None


def test_equal_arms_are_the_same_in_each_training() -> None:
    test = compare(values(0, 0), values(0, 0))
    assert test is not None
    assert (test.difference, test.deviation, test.p_trainings, test.is_shown) == (0, 0, 1, False)


def test_one_training_speaks_of_photographs_alone() -> None:
    test = compare(values(0.2, 0)[:1], values(0, 1)[:1])
    assert test is not None
    assert test.over_trainings is None
    assert test.needed is None
    assert test.holds_over_photographs
    assert not test.is_shown


@pytest.mark.parametrize(("ratio", "trainings"), [(0.5, 34), (1.0, 10), (2.0, 5)])
def test_power_is_that_of_a_simulation(ratio: float, trainings: int) -> None:
    drawn = np.random.default_rng(0).normal(ratio, 1, (20_000, trainings))
    tests = stats.ttest_1samp(drawn, 0, axis=1)
    assert power_of(ratio, 1.0, trainings) == pytest.approx((tests.pvalue < 0.05).mean(), abs=0.01)


def test_as_many_trainings_as_are_needed_show_the_difference() -> None:
    needed = trainings_needed(0.01, 0.005)
    assert needed is not None
    assert detectable_difference(0.01, needed) <= 0.005 < detectable_difference(0.01, needed - 1)
    assert trainings_needed(1.0, 0.005) is None


def test_spreads_are_compared_about_the_median() -> None:
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0.4, 0.001, 8), rng.normal(0.4, 0.1, 8)
    assert spread_test([narrow, wide]) == pytest.approx(stats.levene(narrow, wide, center="median").pvalue)
    assert spread_test([narrow[:2], wide[:2]]) is None
