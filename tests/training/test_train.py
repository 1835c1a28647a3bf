import csv
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file

from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, SlotConfig, TrainConfig
from slotlight.errors import CheckpointError, ImageError, OutputError, TrainingError
from slotlight.model.checkpoint import load_model
from slotlight.training.module import BatchOrder, learning_rate
from slotlight.training.train import STATE, train

TRAIN = TrainConfig(steps=30, batch_size=4, learning_rate=5e-3, checkpoint_every=10)
CPU = torch.device("cpu")


def tiny_model(weights: Path) -> ModelConfig:
    """Slots on the keys of a ViT with random weights."""
    return ModelConfig(
        backbone=BackboneConfig(name="vit_tiny_patch16_224", weights=weights, layer=1, image_size=64),
        slots=SlotConfig(heads=3, slots=4, projection_hidden=32, mlp_hidden=32),
        decoder=DecoderConfig(hidden=32),
    )


@pytest.fixture(scope="session")
def model_config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=0).state_dict(), weights)
    return tiny_model(weights)


@pytest.fixture(scope="session")
def whole(
    photo_paths: list[Path], model_config: ModelConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run that nothing disturbed."""
    return train(photo_paths, tmp_path_factory.mktemp("whole"), model_config, TRAIN, device=CPU)


def copy_of(run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(run, folder / "copy"))


class TestSchedule:
    def test_halving_counts_optimiser_steps(self) -> None:
        config = TrainConfig(steps=1000, warmup_share=0.05, decay="halving", halving_share=0.02)
        rates = [learning_rate(step, config) / config.learning_rate for step in range(1000)]
        assert rates[:50] == pytest.approx([(step + 1) / 50 for step in range(50)])
        assert rates[50::20] == pytest.approx([0.5**n for n in range(48)])

    def test_cosine_ends_at_zero(self) -> None:
        config = TrainConfig(steps=100, warmup_share=0.0, decay="cosine")
        rates = [learning_rate(step, config) for step in (0, 50, 100)]
        assert rates == pytest.approx([4e-4, 2e-4, 0], abs=1e-12)


class TestBatchOrder:
    @given(count=st.integers(1, 20), size=st.integers(1, 8), start=st.integers(0, 10), seed=st.integers(0, 9))
    def test_every_photograph_once_an_epoch_and_the_same_when_resumed(
        self, count: int, size: int, start: int, seed: int
    ) -> None:
        config = TrainConfig(steps=10, batch_size=size, seed=seed)
        batches = list(BatchOrder(count, config))
        seen = Counter(index for batch in batches for index in batch)
        assert set(map(len, batches)) == {size}
        assert max(seen.values()) - min(seen[i] for i in range(count)) <= 1
        resumed = BatchOrder(count, config, start=start)
        assert list(resumed) == batches[start:]
        assert len(resumed) == len(batches[start:])

    def test_processes_share_every_batch(self) -> None:
        config = TrainConfig(steps=3, batch_size=6)
        shares = zip(*(BatchOrder(9, config, rank=rank, world=3) for rank in range(3)), strict=True)
        for share, batch in zip(shares, BatchOrder(9, config), strict=True):
            assert sorted(index for part in share for index in part) == sorted(batch)
            assert [len(part) for part in share] == [2, 2, 2]

    def test_the_seed_decides(self) -> None:
        orders = [list(BatchOrder(50, TrainConfig(steps=5, seed=seed))) for seed in (0, 0, 1)]
        assert orders[0] == orders[1] != orders[2]


class TestRun:
    def test_the_loss_falls(self, whole: Path) -> None:
        rows = list(csv.DictReader((whole / "logs/from_step_0/metrics.csv").open()))
        assert [int(row["step"]) for row in rows] == [20, 30]
        assert float(rows[-1]["loss"]) < 0.85 * error_of_nothing(whole)

    def test_the_folder_loads_and_segments(self, whole: Path) -> None:
        masks = load_model(whole).segment(torch.rand(2, 3, 48, 80)).masks
        assert masks.shape == (2, 5, 3, 5)  # the background's comes last
        torch.testing.assert_close(masks.sum(1), torch.ones(2, 3, 5))

    def test_pictures_and_logs_are_in_the_folder_and_nowhere_else(self, whole: Path) -> None:
        assert Image.open(whole / "sheets" / "step_0000030.png").width == 4 * 240
        assert any((whole / "logs/from_step_0").glob("events.out.tfevents*"))
        assert not Path("lightning_logs").exists()
        assert {path.name for path in whole.iterdir()} == {
            *("config.json", "slots.safetensors", STATE, "features", "logs", "sheets")
        }

    def test_the_terminal_shows_only_what_a_user_needs(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        train(photo_paths, tmp_path, model_config, replace(TRAIN, steps=2), device=CPU)
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "4 photographs take 24.6 kB" in shown.err
        for chatter in ("Warning", "deprecated", "GPU", "TPU", "litlogger", "lightning", "max_steps"):
            assert chatter not in shown.err.replace(str(tmp_path), "")

    def test_half_precision_and_another_decoder(
        self, photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
    ) -> None:
        config = replace(model_config, decoder=DecoderConfig(kind="mixer", hidden=32, patch_share=0.5))
        train(photo_paths, tmp_path, config, replace(TRAIN, steps=2, precision="bf16"), device=CPU)
        assert load_model(tmp_path).model.config == config


def error_of_nothing(run: Path) -> float:
    """The loss of a model whose reconstruction is zero."""
    (file,) = run.glob("features/*/features.f16")
    features = torch.from_file(str(file), size=file.stat().st_size // 2, dtype=torch.float16)
    return float(features.float().square().mean())


class TestResume:
    def test_a_kill_while_saving_changes_nothing(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        script = """
            import os, signal, sys
            from pathlib import Path
            import torch
            from slotlight.training.train import train
            from test_training import TRAIN, tiny_model

            syncs, fsync = [], os.fsync
            def kill(file):
                syncs.append(file)
                if len(syncs) == 3:  # the cache's, the state's of step 10, the state's of step 20
                    os.kill(os.getpid(), signal.SIGKILL)
                fsync(file)
            os.fsync = kill
            photographs = sys.argv[3:]
            train(photographs, sys.argv[1], tiny_model(Path(sys.argv[2])), TRAIN, device=torch.device("cpu"))
        """
        out, weights = tmp_path / "out", model_config.backbone.weights
        command = [sys.executable, "-c", textwrap.dedent(script), out, weights, *photo_paths]
        killed = subprocess.run(
            [str(part) for part in command],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert killed.returncode == -9, killed.stderr
        assert not (out / "config.json").exists()
        assert (out / "state.unfinished").exists()

        train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True)
        assert (out / "logs/from_step_10/metrics.csv").exists()
        resumed, expected = load_file(out / "slots.safetensors"), load_file(whole / "slots.safetensors")
        for name, weight in expected.items():
            assert torch.equal(resumed[name], weight), name

    def test_a_finished_run_stays_as_it_is(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True, cache=whole / "features")
        assert (out / "slots.safetensors").read_bytes() == (whole / "slots.safetensors").read_bytes()

    def test_other_settings_are_told(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        whole: Path,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        out = copy_of(whole, tmp_path)
        with pytest.raises(TrainingError, match="already holds a training run; go on with --resume"):
            train(photo_paths, out, model_config, TRAIN, device=CPU)
        other = replace(model_config, slots=replace(model_config.slots, slots=5))
        with pytest.raises(TrainingError, match="begun with another model"):
            train(photo_paths, out, other, TRAIN, device=CPU, resume=True)
        with pytest.raises(TrainingError, match="other photographs"):
            train(photo_paths[:2], out, model_config, TRAIN, device=CPU, resume=True)
        train(photo_paths, out, model_config, replace(TRAIN, learning_rate=1e-3), device=CPU, resume=True)
        assert "learning_rate 0.005, and goes on with 0.001" in caplog.text

    def test_a_damaged_state(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        os.truncate(out / STATE, 1000)
        with pytest.raises(CheckpointError, match="damaged or not the state"):
            train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True)


class TestErrors:
    def test_more_slots_than_patches(
        self, photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
    ) -> None:
        greedy = replace(model_config, slots=replace(model_config.slots, slots=17))
        with pytest.raises(TrainingError, match="17 slots are more than the 16 patches"):
            train(photo_paths, tmp_path, greedy, TRAIN, device=CPU)

    def test_no_photograph(self, model_config: ModelConfig, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="no photograph"):
            train([tmp_path], tmp_path / "out", model_config, TRAIN, device=CPU)

    def test_unwritable_folder(self, photo_paths: list[Path], model_config: ModelConfig) -> None:
        with pytest.raises(OutputError, match="cannot be written"):
            train(photo_paths, photo_paths[0] / "out", model_config, TRAIN, device=CPU)

    def test_a_state_that_cannot_be_saved(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "state.unfinished").mkdir()
        with pytest.raises(OutputError, match=r"state\.safetensors cannot be written"):
            train(
                *(photo_paths, tmp_path, model_config, replace(TRAIN, steps=1)),
                device=CPU,
                cache=whole / "features",
            )

    def test_divergence_names_the_step_and_the_last_good_checkpoint(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        longer = replace(TRAIN, steps=60, learning_rate=1e30, warmup_share=0.6, decay="halving")
        with pytest.raises(TrainingError, match=r"diverged at step 3\d.*--resume from step 30") as error:
            train(photo_paths, out, model_config, longer, device=CPU, resume=True)
        assert "\n" not in str(error.value)
        assert all(tensor.isfinite().all() for tensor in load_file(out / STATE).values())

    def test_a_dead_slot_is_told(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        many = replace(model_config, slots=replace(model_config.slots, slots=16))
        train(photo_paths[:1], tmp_path, many, replace(TRAIN, steps=8), device=CPU)
        assert "has won no patch of 1 photographs in 5 looks" in caplog.text


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


def test_a_step_that_cannot_be_compiled(
    photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
) -> None:
    backbone = model_config.backbone
    command = [sys.executable, "-m", "slotlight", "train", *photo_paths, "--out", tmp_path]
    command += ["--backbone", backbone.name, "--weights", backbone.weights, "--layer", 1, "--image-size", 64]
    command += ["--slots", 2, "--steps", 1, "--device", "cpu", "--compile"]
    environment = {**os.environ, "CXX": "/no/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "compiled")}
    ended = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("slotlight: The step cannot be compiled here")


@pytest.mark.slow
def test_two_processes(photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path) -> None:
    script = """
        import sys
        from dataclasses import replace
        from pathlib import Path
        import torch
        from slotlight.training.train import train
        from test_training import TRAIN, tiny_model

        config = replace(TRAIN, devices=2)
        train(sys.argv[3:], sys.argv[1], tiny_model(Path(sys.argv[2])), config, device=torch.device("cpu"))
    """
    file = tmp_path / "run.py"
    file.write_text(textwrap.dedent(script))
    command = [sys.executable, file, tmp_path / "out", model_config.backbone.weights, *photo_paths]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "out/config.json").read_text())["info"]["train"]["devices"] == 2
