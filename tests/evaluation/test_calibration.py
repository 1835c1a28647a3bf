"""Scores that become probabilities: the fit, what it is held against, and the model that it makes."""

import json
from pathlib import Path

import numpy as np
import pytest

import slotlight
from slotlight.config import Calibration, ObjectRule
from slotlight.config.running import LEAST_PROBABILITY
from slotlight.datasets import SyntheticDataset
from slotlight.discovery.segments import calibrated
from slotlight.errors import CheckpointError, ConfigError, DatasetError, OutputError
from slotlight.evaluation.calibration import calibrate, cross_validated, fit_calibration, fitted, folds
from slotlight.evaluation.options import EvaluationOptions
from slotlight.files import pretrained
from slotlight.metrics.calibration import Judged, binned_error
from slotlight.model.checkpoint import read_config, save_calibrated


def judged(objects: int, share: float, seed: int = 0) -> Judged:
    """Objects in pairs on a photograph that are right for a share of their score."""
    rng = np.random.default_rng(seed)
    scores = rng.random(objects)
    return Judged(scores, rng.random(objects) < share * scores, np.arange(objects) // 2)


def test_held_out_photographs_say_whether_a_fit_helps() -> None:
    too_sure, honest = judged(1000, 0.5), judged(1000, 1.0)
    assert binned_error(too_sure.scores, too_sure.right) > 0.2
    assert cross_validated(too_sure, "").expected < 0.06
    assert fitted(honest, "").slope == pytest.approx(1, abs=0.2)


def test_scores_that_one_photograph_alone_bears_out_are_refused() -> None:
    scores = np.array([0.3] * 10 + [0.7] * 10 + [0.9] * 8)
    right = np.array([True] * 5 + [False] * 5 + [True] * 4 + [False] * 6 + [True] * 8)
    both = Judged(scores, right, np.array([0] * 20 + [1] * 8))
    assert fitted(both, "some").slope > 0
    with pytest.raises(
        ConfigError, match=r"not right more often \(some, a fifth of the photographs held out\)"
    ):
        cross_validated(both, "some")


def test_all_objects_of_a_photograph_are_in_one_fold() -> None:
    image = np.arange(100).repeat(3)
    fold = folds(image, seed=1)
    assert all(len(set(fold[image == one])) == 1 for one in range(100))
    assert np.bincount(fold).tolist() == [60] * 5
    assert (fold != folds(image, seed=2)).any()


def test_scores_that_fall_where_objects_are_right_are_refused() -> None:
    upside_down = judged(200, 1.0)
    with pytest.raises(ConfigError, match=r"not right more often \(some\)"):
        fitted(Judged(1 - upside_down.scores, upside_down.right, upside_down.image), "some")


def test_a_model_keeps_its_objects_and_gets_probabilities(tmp_path: Path) -> None:
    image = SyntheticDataset(count=1, height=96, width=128)[0].read_image()
    steep, everything = Calibration(slope=2.0, intercept=-1.0, labels="some"), ObjectRule(min_score=0.0)
    for name, calibration in (("raw", Calibration()), ("steep", steep)):
        save_calibrated(pretrained(), tmp_path / name, calibration, {"objects": 7})
    raw, mine = (slotlight.load(tmp_path / name, rule=everything) for name in ("raw", "steep"))
    assert mine.calibration == steep
    assert mine.fingerprint() != raw.fingerprint()
    before, after = raw.discover(image), mine.discover(image)
    assert np.array_equal(before.boxes_xyxy, after.boxes_xyxy)
    assert len(before.scores) > 1
    assert np.allclose(after.scores, calibrated(before.scores.astype(float), steep), atol=1e-6)
    assert slotlight.load(tmp_path / "steep").rule.min_score == LEAST_PROBABILITY
    assert slotlight.load(tmp_path / "raw").rule.min_score == 0.15
    assert read_config(tmp_path / "steep")["info"]["calibration"] == {"objects": 7}
    assert {control.calibration for control in mine.segmenter.controls()} == {steep}


@pytest.mark.slow
def test_the_fit_of_a_model_is_kept_and_resumed(tmp_path: Path) -> None:
    scenes = SyntheticDataset(count=40, height=96, width=128)
    save_calibrated(pretrained(), tmp_path / "raw", Calibration(), {})
    fit = calibrate(tmp_path / "raw", scenes, out=tmp_path / "fitted", device="cpu")
    again = calibrate(tmp_path / "raw", scenes, out=tmp_path / "fitted", device="cpu")
    assert fit == again
    assert fit.calibration.labels == "synthetic all, detection"
    about = json.loads((tmp_path / "fitted/config.json").read_text())["info"]["calibration"]
    assert about["objects"] == fit.objects > about["right"] == fit.right
    assert slotlight.load(tmp_path / "fitted").calibration == fit.calibration
    with pytest.raises(DatasetError, match="at least 20 of each"):
        calibrate(tmp_path / "raw", scenes, out=tmp_path / "few", options=EvaluationOptions(limit=2))
    with pytest.raises(OutputError, match="protocol was detection and is now masks"):
        calibrate(tmp_path / "raw", scenes, out=tmp_path / "fitted", device="cpu", protocol="masks")


def test_what_cannot_be_calibrated_is_said(tmp_path: Path) -> None:
    scenes = SyntheticDataset(count=4, height=48, width=64)
    with pytest.raises(ConfigError, match="tokencut is not a folder"):
        calibrate("tokencut", scenes, out=tmp_path / "a")
    floor = slotlight.load("centre-box").segmenter
    with pytest.raises(ConfigError, match="'corloc' does not judge scores; valid: detection, masks"):
        fit_calibration(floor, scenes, out=tmp_path / "b", protocol="corloc")


def test_weights_that_do_not_fit_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(Path(pretrained("config.json")).read_text())
    (tmp_path / "slots.safetensors").write_bytes(b"other weights")
    with pytest.raises(CheckpointError, match="missing or damaged"):
        save_calibrated(tmp_path, tmp_path / "out", Calibration(), {})


def test_the_model_in_the_package_says_whose_labels_its_scores_were_fitted_to() -> None:
    assert read_config(pretrained())["calibration"]["labels"] == "VOC2012 dev, detection"
