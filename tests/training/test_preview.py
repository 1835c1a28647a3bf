import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from slotlight.config import Calibration, ModelConfig, TrainConfig
from slotlight.features.dataset import FeatureCache
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import FusedMasks, build_slot_model
from slotlight.segmenter import SlotMasks
from slotlight.training.preview import Preview, warn_if_nothing_is_found
from tiny_training import TRAIN

GRID, DIM = (4, 4), 12


@pytest.fixture
def features(photo_paths: list[Path], tmp_path: Path) -> FeatureCache:
    """The cache of twelve photographs."""
    photographs = [tmp_path / f"{number}.jpg" for number in range(12)]
    for number, path in enumerate(photographs):
        shutil.copy(photo_paths[number % len(photo_paths)], path)
    rows = torch.randn(len(photographs), 16, DIM).half().numpy()
    (tmp_path / "features.f16").write_bytes(rows.tobytes())
    return FeatureCache(tmp_path / "features.f16", photographs, {}, GRID, DIM, side=64)


def preview(features: FeatureCache, out: Path, config: TrainConfig, model: ModelConfig) -> Preview:
    return Preview(build_slot_model(model, DIM, GRID), features, out, config)


def test_a_long_run_is_drawn_eight_times_and_a_short_one_once(
    features: FeatureCache,
    model_config: ModelConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(Preview, "_draw", lambda _, __, file: drawn.append(file.name))
    for steps, sheets in ((30, 1), (120, 3), (1000, 8)):
        looked = preview(features, tmp_path, replace(TRAIN, steps=steps), model_config)
        drawn.clear()
        for done in range(1, steps + 1):
            looked.check(done)
        assert len(drawn) == sheets
        assert drawn[-1] == f"step_{steps:07d}.png"


def test_dead_and_collapsed_slots_are_told_once_and_not_during_the_warm_up(
    features: FeatureCache, model_config: ModelConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(TRAIN, steps=4000, warmup_share=0.5)
    looked = preview(features, tmp_path / "sheets", config, model_config)
    masks = torch.zeros(12, 4, 16)
    masks[:, 0] = 1
    found = FusedMasks(torch.zeros(12, 4, DIM), masks, torch.ones(12, 4), torch.ones(12, 4, 4), masks.mT)
    looked.model.segment_features = lambda *_: found  # type: ignore[method-assign, assignment]
    for done in range(100, 2001, 100):
        looked.check(done)
    assert caplog.messages == []
    for done in range(2100, 4001, 100):
        looked.check(done)
    assert [message.partition(";")[0].partition(":")[0] for message in caplog.messages] == [
        *(f"Slot {slot} of 4 has won no patch of 12 photographs in 5 checks" for slot in (1, 2, 3)),
        "One slot takes 100% of each photograph on average",
    ]


def test_a_photograph_that_is_gone_and_a_full_disk_end_nothing(
    features: FeatureCache, model_config: ModelConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    features.photographs[3].unlink()
    (tmp_path / "file").touch()
    looked = preview(features, tmp_path / "sheets", replace(TRAIN, steps=100), model_config)
    looked.check(50)
    looked.check(100)
    assert len(list((tmp_path / "sheets").iterdir())) == 2
    lost = [message.partition(":")[0] for message in caplog.messages if "goes on without" in message]
    assert lost == ["Training goes on without a picture of 3.jpg"]
    preview(features, tmp_path / "file" / "sheets", TRAIN, model_config).check(30)
    assert "goes on without contact sheets" in caplog.text


@pytest.mark.parametrize(("score", "told"), [(0.0, 1), (0.5, 0)])
def test_a_model_that_finds_nothing_is_told(
    score: float, told: int, features: FeatureCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Scored(ModelSegmenter):
        device = torch.device("cpu")  # type: ignore[assignment]
        calibration = Calibration()

        def __init__(self) -> None:
            pass

        def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:  # noqa: ARG002
            return SlotMasks(torch.ones(len(images), 1, 4, 4), torch.full((len(images), 1), score))

    features.photographs[0].unlink()
    warn_if_nothing_is_found(Scored(), features, tmp_path / "sheets")
    assert len(caplog.messages) == told
    assert all("finds no object in any of 11 of its photographs" in message for message in caplog.messages)
