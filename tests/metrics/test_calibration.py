"""Reliability, its error and the fit against scikit-learn and a few lines of NumPy."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from slotlight.metrics import (
    ScoredRegions,
    calibration_error,
    reliability,
    weighted_calibration_error,
)
from slotlight.metrics.calibration import binned_error, fit_logistic, judge, squared_error

BOX = torch.tensor([[0.0, 0.0, 10.0, 10.0]])


def one_each(scores: np.ndarray, right: np.ndarray) -> list[ScoredRegions]:
    """An image for each object, which is right or wrong."""
    return [
        ScoredRegions.of_boxes(BOX + (0 if hit else 50), torch.tensor([score], dtype=torch.float64), BOX)
        for score, hit in zip(scores, right, strict=True)
    ]


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, some of them on the edges of bins, that are too sure."""
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random(count) < 0.2, rng.integers(1, 11, count) / 10, rng.random(count))
    return scores, rng.random(count) < scores**2


def test_reliability_is_scikit_learns_curve() -> None:
    scores, right = drawn(400)
    found = reliability(one_each(scores, right))
    share, mean = calibration_curve(right, scores, n_bins=10, strategy="uniform")
    assert np.allclose([x for x in found.right if x == x], share)
    assert np.allclose([x for x in found.scores if x == x], mean)
    assert sum(found.counts) == 400


def test_error_is_the_definition() -> None:
    scores, right = drawn(300, seed=1)
    expected = 0.0
    for low in range(10):
        inside = (scores > low / 10) & (scores <= (low + 1) / 10)
        inside |= (low == 0) & (scores == 0)
        if inside.any():
            expected += inside.mean() * abs(scores[inside].mean() - right[inside].mean())
    assert calibration_error(one_each(scores, right)) == pytest.approx(expected, abs=1e-12)
    assert binned_error(scores, right) == pytest.approx(expected, abs=1e-12)
    assert squared_error(scores, right) == pytest.approx(brier_score_loss(right, scores))


def test_crowds_excuse_and_an_object_is_right_once() -> None:
    found = torch.cat([BOX, BOX, BOX + 100, BOX + 200])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6], dtype=torch.float64)
    image = ScoredRegions.of_boxes(found, scores, BOX, BOX + 100)
    judged = judge([image, image])
    assert judged.scores.tolist() == [0.9, 0.8, 0.6] * 2
    assert judged.right.tolist() == [True, False, False] * 2
    assert judged.image.tolist() == [0, 0, 0, 1, 1, 1]


def test_weights_are_copies() -> None:
    images = one_each(*drawn(30, seed=2))
    weights = torch.randint(0, 3, (3, 30), generator=torch.Generator().manual_seed(0))
    for error, counts in zip(weighted_calibration_error(images, weights.double()), weights, strict=True):
        copies = [image for image, count in zip(images, counts.tolist(), strict=True) for _ in range(count)]
        assert float(error) == pytest.approx(calibration_error(copies), abs=1e-12)


def test_nothing_found_has_no_error() -> None:
    empty = ScoredRegions.of_boxes(BOX[:0], torch.zeros(0), BOX)
    assert np.isnan(calibration_error([empty]))
    assert reliability([empty]).counts == (0,) * 10


def test_the_fit_is_logistic_regression() -> None:
    scores, right = drawn(500, seed=3)
    scores = scores.clip(0.01, 0.99)
    slope, intercept = fit_logistic(scores, right)
    hits = right.sum()  # Platt's labels as weights of both classes
    soft = np.where(right, (hits + 1) / (hits + 2), 1 / (500 - hits + 2))
    twice = np.tile(logit(scores), 2)[:, None]
    model = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000)
    model.fit(twice, np.repeat([1, 0], 500), sample_weight=np.concatenate([soft, 1 - soft]))
    assert [slope, intercept] == pytest.approx([model.coef_[0, 0], model.intercept_[0]], abs=1e-4)
    fitted = expit(slope * logit(scores) + intercept)
    assert binned_error(fitted, right) < 0.4 * binned_error(scores, right)


def test_scores_that_part_right_from_wrong_have_a_finite_fit() -> None:
    slope, intercept = fit_logistic(np.array([0.0, 0.2, 0.8, 1.0]), np.array([False, False, True, True]))
    assert slope > 0
    assert np.isfinite([slope, intercept]).all()
