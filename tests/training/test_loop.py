import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from slotlight.config import ModelConfig
from slotlight.errors import TrainingError
from slotlight.training.state import STATE
from slotlight.training.train import train
from tiny_training import TRAIN

CPU = torch.device("cpu")


class TestRun:
    def test_the_loss_falls(self, whole: Path) -> None:
        rows = list(csv.DictReader((whole / "logs/from_step_0/metrics.csv").open()))
        assert [int(row["step"]) for row in rows] == [20, 30]
        assert float(rows[-1]["loss"]) < 0.85 * error_of_nothing(whole)


def error_of_nothing(run: Path) -> float:
    """The loss of a model whose reconstruction is zero."""
    (file,) = run.glob("features/*/features.f16")
    features = torch.from_file(str(file), size=file.stat().st_size // 2, dtype=torch.float16)
    return float(features.float().square().mean())


class TestErrors:
    def test_divergence_names_the_step_and_leaves_the_last_good_checkpoint(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        longer = replace(TRAIN, steps=60, learning_rate=1e9, warmup_share=0.6, decay="halving")
        longer = replace(longer, checkpoint_every=1)
        with pytest.raises(TrainingError, match=r"diverged at step \d+,.*--start-over and a lower") as error:
            train(photo_paths, tmp_path, model_config, longer, device=CPU, cache=whole / "features")
        assert "\n" not in str(error.value)
        assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / STATE).values())


@pytest.mark.slow
def test_a_compiled_step_learns_the_same(
    photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
) -> None:
    weights, expected = (
        load_file(
            train(
                photo_paths, tmp_path / str(on), model_config, replace(TRAIN, steps=3, compile=on), device=CPU
            )
            / "slots.safetensors"
        )
        for on in (True, False)
    )
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=1e-4)
