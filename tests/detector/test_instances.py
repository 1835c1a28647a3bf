from pathlib import Path

import pytest
import torch

import slotlight
from slotlight.config import ObjectRule
from slotlight.detector.instances import load_instances
from slotlight.errors import CheckpointError, ConfigError


def test_the_detector_in_the_package_votes_with_partitions(photo_paths: list[Path]) -> None:
    rule = ObjectRule(proposals=True, max_objects=100, min_score=0.0)
    together = slotlight.load("instances", rule=rule).discover(photo_paths[0])
    voting = slotlight.load("voting", rule=rule).discover(photo_paths[0])
    assert len(together) > len(voting) > 1
    assert (together.scores[:-1] >= together.scores[1:]).all()
    again = slotlight.load("instances", rule=rule).discover(photo_paths[0])
    assert (again.boxes_xyxy == together.boxes_xyxy).all()


def test_a_detector_of_one_s_own(folder: Path) -> None:
    own, packaged = slotlight.load(f"instances@{folder}").segmenter, load_instances()
    assert own.name == f"instances@{folder.name}"
    assert own.fingerprint() != packaged.fingerprint()
    found = own.segment(torch.rand(1, 3, 96, 128))
    assert found.regions is not None
    assert found.regions[0].masks.isfinite().all()


def test_what_is_not_a_detector_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        slotlight.load(f"instances@{tmp_path}")
    with pytest.raises(ConfigError, match="nothing after the @"):
        slotlight.load("instances@")
    with pytest.raises(ConfigError, match="weights"):
        slotlight.load("instances", weights=tmp_path / "w.pth")
