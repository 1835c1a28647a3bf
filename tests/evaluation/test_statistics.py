import numpy as np

from slotlight.evaluation.statistics import bootstrap_interval, paired_difference


def test_bootstrap_covers_the_mean_about_95_times_of_100() -> None:
    rng = np.random.default_rng(0)
    intervals = [bootstrap_interval(rng.normal(0.4, 0.2, 60)) for _ in range(200)]
    covered = np.mean([i.low <= 0.4 <= i.high for i in intervals])
    assert 0.9 <= covered <= 0.99


def test_paired_test_sees_a_steady_gain_and_no_more() -> None:
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 1, 200)
    better = paired_difference(first + rng.normal(0.05, 0.05, 200), first)
    same = paired_difference(first + rng.normal(0, 0.05, 200), first)
    assert better.p_value < 0.001
    assert better.interval.low > 0
    assert same.p_value > 0.05
    undefined = paired_difference(np.full(5, np.nan), np.ones(5))
    assert undefined is None


def test_permutation_p_values_are_uniform_by_chance() -> None:
    rng = np.random.default_rng(2)
    p_values = [paired_difference(rng.normal(0, 1, 30), rng.normal(0, 1, 30)).p_value for _ in range(60)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) < 0.05) < 0.2
