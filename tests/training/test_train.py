import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from slotlight.config import DecoderConfig, ModelConfig, with_ranking
from slotlight.errors import CheckpointError, ImageError, OutputError, TrainingError
from slotlight.files import MARKER
from slotlight.model.checkpoint import load_model
from slotlight.training.state import STATE
from slotlight.training.train import train
from tiny_training import TRAIN

CPU = torch.device("cpu")


HELPERS = str(Path(__file__).parents[1])


def copy_of(run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(run, folder / "copy"))


def run_script(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script that trains; it finds `tiny_training`."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    path = os.pathsep.join([HELPERS, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def the_same(found: Path, expected: Path) -> bool:
    """Whether two folders hold the same weights, bit by bit."""
    weights = load_file(found / "slots.safetensors")
    return all(
        torch.equal(weights[name], value) for name, value in load_file(expected / "slots.safetensors").items()
    )


class TestRun:
    def test_the_folder_loads_and_segments(self, whole: Path) -> None:
        masks = load_model(whole).segment(torch.rand(2, 3, 48, 80)).masks
        assert masks.shape == (2, 4, 3, 5)
        torch.testing.assert_close(masks.sum(1), torch.ones(2, 3, 5))

    def test_pictures_and_logs_are_in_the_folder_and_nowhere_else(self, whole: Path) -> None:
        assert Image.open(whole / "sheets" / "step_0000030.png").width == 4 * 240
        assert any((whole / "logs/from_step_0").glob("events.out.tfevents*"))
        assert not Path("lightning_logs").exists()
        assert {path.name for path in whole.iterdir()} == {
            *("config.json", "slots.safetensors", STATE, "features", "logs", "sheets"),
            *(MARKER, f"{MARKER}.lock"),
        }
        assert len(list((whole / "sheets").iterdir())) == 1  # a short run looks once, at its end

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
        assert "Training takes 2 steps of 4 photographs each, from 4." in shown.err
        assert "has won no patch" not in shown.err
        for chatter in ("Warning", "deprecated", "GPU", "TPU", "litlogger", "lightning", "Mixed"):
            assert chatter not in shown.err.replace(str(tmp_path), "")

    def test_half_precision_and_another_decoder(
        self, photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
    ) -> None:
        config = replace(model_config, decoder=DecoderConfig(kind="mixer", hidden=32, patch_share=0.5))
        train(photo_paths, tmp_path, config, replace(TRAIN, steps=2, precision="bf16"), device=CPU)
        assert load_model(tmp_path).model.config == with_ranking(config)


class TestGoingOn:
    def test_a_kill_while_saving_changes_nothing(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        script = """
            import os, signal, sys
            from pathlib import Path
            import torch
            from slotlight.training import state
            from slotlight.training.train import train
            from tiny_training import TRAIN, tiny_model

            saves, save_file = [], state.save_file
            def kill(*arguments):
                save_file(*arguments)
                saves.append(1)
                if len(saves) == 2:  # the state of step 20 is written, but not yet in its place
                    os.kill(os.getpid(), signal.SIGKILL)
            state.save_file = kill
            photographs = sys.argv[3:]
            train(photographs, sys.argv[1], tiny_model(Path(sys.argv[2])), TRAIN, device=torch.device("cpu"))
        """
        out = tmp_path / "out"
        killed = run_script(script, out, model_config.backbone.weights, *photo_paths)
        assert killed.returncode == -9, killed.stderr
        assert not (out / "config.json").exists()
        assert (out / f".partial.{STATE}").exists()

        train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True)
        assert (out / "logs/from_step_10/metrics.csv").exists()
        assert the_same(out, whole)

    def test_sigterm_costs_no_step(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        whole: Path,
        tmp_path: Path,
    ) -> None:
        script = """
            import os, signal, sys
            from pathlib import Path
            import torch
            from slotlight.errors import Terminated
            from slotlight.training import loop
            from slotlight.training.train import train
            from tiny_training import TRAIN, tiny_model

            def terminate(*_):
                raise Terminated
            signal.signal(signal.SIGTERM, terminate)
            rate = loop.learning_rate
            def interrupted(step, config):
                if step == 16:
                    os.kill(os.getpid(), signal.SIGTERM)
                return rate(step, config)
            loop.learning_rate = interrupted
            try:
                model = tiny_model(Path(sys.argv[2]))
                train(sys.argv[3:], sys.argv[1], model, TRAIN, device=torch.device("cpu"))
            except Terminated:
                sys.exit(143)
        """
        out = tmp_path / "out"
        stopped = run_script(script, out, model_config.backbone.weights, *photo_paths)
        assert stopped.returncode == 143, stopped.stderr
        assert stopped.stderr.splitlines()[-1].startswith("Stopped after step 17; the same command resumes")
        train(photo_paths, out, model_config, TRAIN, device=CPU)
        assert (out / "logs/from_step_17/metrics.csv").exists()
        assert the_same(out, whole)

    def test_a_finished_run_stays_as_it_is(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True, cache=whole / "features")
        assert (out / "slots.safetensors").read_bytes() == (whole / "slots.safetensors").read_bytes()

    def test_another_run_is_refused_before_anything_slow_and_told_what_differs(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        whole: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from slotlight.training import train as module

        out = copy_of(whole, tmp_path)
        monkeypatch.setattr(module, "cache_features", lambda *_, **__: pytest.fail("features were computed"))
        five = replace(model_config, slots=replace(model_config.slots, slots=5))
        with pytest.raises(OutputError, match=r"model.slots.slots was 4 and is now 5.*--start-over"):
            train(photo_paths, out, five, TRAIN, device=CPU, resume=True)
        large = replace(model_config, backbone=replace(model_config.backbone, image_size=96))
        with pytest.raises(OutputError, match=r"model.backbone.image_size was 64 and is now 96"):
            train(photo_paths, out, large, TRAIN, device=CPU)
        with pytest.raises(OutputError, match=r"photographs was 4 \(\w+\) and is now 2 "):
            train(photo_paths[:2], out, model_config, TRAIN, device=CPU)
        with pytest.raises(OutputError, match=r"training.learning_rate was 0.005 and is now 0.001"):
            train(photo_paths, out, model_config, replace(TRAIN, learning_rate=1e-3), device=CPU)

    def test_the_same_weights_by_another_path_are_the_same_run(
        self,
        photo_paths: list[Path],
        model_config: ModelConfig,
        whole: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        weights = model_config.backbone.weights
        assert weights is not None
        out = copy_of(whole, tmp_path)
        monkeypatch.chdir(weights.parent)
        relative = replace(model_config, backbone=replace(model_config.backbone, weights=Path(weights.name)))
        train(photo_paths, out, relative, TRAIN, device=CPU)
        monkeypatch.chdir(tmp_path)
        assert load_model(out).model.config.backbone.weights == weights

    def test_start_over_begins_anew_and_keeps_the_features(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        (features,) = out.glob("features/*/features.f16")
        (out / "features/of_another_run").mkdir()
        before = features.stat().st_mtime_ns
        shorter = replace(TRAIN, steps=2)
        train(photo_paths, out, model_config, shorter, device=CPU, start_over=True)
        assert features.stat().st_mtime_ns == before
        assert not (out / "features/of_another_run").exists()
        assert [sheet.name for sheet in (out / "sheets").iterdir()] == ["step_0000002.png"]
        assert json.loads((out / "config.json").read_text())["info"]["train"]["steps"] == 2

    def test_resume_insists_on_a_run(
        self, photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
    ) -> None:
        with pytest.raises(TrainingError, match="holds no run to resume; leave out --resume"):
            train(photo_paths, tmp_path / "out", model_config, TRAIN, device=CPU, resume=True)
        assert not (tmp_path / "out").exists()

    def test_a_damaged_state(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out = copy_of(whole, tmp_path)
        content = bytearray((out / STATE).read_bytes())
        content[-1000] ^= 4
        (out / STATE).write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged or not the state"):
            train(photo_paths, out, model_config, TRAIN, device=CPU, resume=True)
        train(photo_paths, out, model_config, TRAIN, device=CPU, start_over=True)
        assert the_same(out, whole)

    def test_the_state_of_another_run(
        self, photo_paths: list[Path], model_config: ModelConfig, whole: Path, tmp_path: Path
    ) -> None:
        out, seed = copy_of(whole, tmp_path), replace(TRAIN, seed=1, steps=1)
        train(photo_paths, tmp_path / "other", model_config, seed, device=CPU, cache=whole / "features")
        shutil.copy(tmp_path / "other" / STATE, out / STATE)
        with pytest.raises(CheckpointError, match="is the state of another run"):
            train(photo_paths, out, model_config, TRAIN, device=CPU)


def test_streamed_features_teach_what_cached_ones_do(
    photo_paths: list[Path],
    model_config: ModelConfig,
    whole: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    train(photo_paths, tmp_path / "out", model_config, replace(TRAIN, features="stream"), device=CPU)
    assert (
        "120 photographs go through the backbone in all, where a cache computes 4" in capfd.readouterr().err
    )
    assert not (tmp_path / "out/features").exists()
    weights, expected = (load_file(run / "slots.safetensors") for run in (tmp_path / "out", whole))
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=0.02, atol=0.02)
    with pytest.raises(TrainingError, match="does not keep features; leave out --cache"):
        train(
            *(photo_paths, tmp_path / "out", model_config, replace(TRAIN, features="stream")),
            device=CPU,
            cache=tmp_path,
        )


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
        out = tmp_path / "out"
        (out / f".partial.{STATE}").mkdir(parents=True)
        with pytest.raises(OutputError, match=r"state\.safetensors cannot be written"):
            train(
                *(photo_paths, out, model_config, replace(TRAIN, steps=1)),
                device=CPU,
                cache=whole / "features",
            )


@pytest.mark.slow
def test_a_step_that_cannot_be_compiled(
    photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
) -> None:
    backbone = model_config.backbone
    command = [sys.executable, "-m", "slotlight", "train", *photo_paths, "--out", tmp_path / "out"]
    command += ["--backbone", backbone.name, "--weights", backbone.weights, "--layer", 1, "--image-size", 64]
    command += ["--slots", 2, "--steps", 1, "--device", "cpu", "--compile"]
    environment = {**os.environ, "CXX": "/no/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "compiled")}
    ended = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("slotlight: The step cannot be compiled here")


TWO = """
    import os, signal, sys
    from dataclasses import replace
    from pathlib import Path
    import torch
    from slotlight.errors import TrainingError
    from slotlight.features import cache
    from slotlight.training import loop
    from slotlight.training.train import train
    from tiny_training import TRAIN, tiny_model

    kind, out, weights, *photographs = sys.argv[1:]
    cache.SHARD = 1
    if kind == "killed" and os.environ.get("LOCAL_RANK") == "1":
        rate = loop.learning_rate
        def killing(step, config):
            if step == 16:
                os.kill(os.getpid(), signal.SIGKILL)
            return rate(step, config)
        loop.learning_rate = killing
    many = {"devices": 1, "nodes": 2} if kind == "nodes" else {"devices": 2}
    train(photographs, out, tiny_model(Path(weights)), replace(TRAIN, **many), device=torch.device("cpu"))
"""


class TestTwoProcesses:
    @pytest.fixture
    def start(
        self, photo_paths: list[Path], model_config: ModelConfig, tmp_path: Path
    ) -> Callable[..., subprocess.Popen[str]]:
        file = tmp_path / "run.py"
        file.write_text(textwrap.dedent(TWO))
        weights = str(model_config.backbone.weights)
        command = [sys.executable, str(file)]
        path = os.pathsep.join([HELPERS, os.environ.get("PYTHONPATH", "")])
        return lambda kind, **environment: subprocess.Popen(
            [*command, kind, str(tmp_path / "out"), weights, *map(str, photo_paths)],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def learnt_the_same(self, out: Path, whole: Path) -> None:
        weights = load_file(out / "slots.safetensors")
        for name, tensor in load_file(whole / "slots.safetensors").items():
            torch.testing.assert_close(weights[name], tensor, rtol=0.02, atol=0.02)

    @pytest.mark.slow
    def test_of_one_machine(
        self, start: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
    ) -> None:
        for _ in range(2):  # the second time it goes on from the end
            process = start("devices")
            said = process.communicate(timeout=500)[1]
            assert process.returncode == 0, said
        assert json.loads((tmp_path / "out/config.json").read_text())["info"]["train"]["devices"] == 2
        self.learnt_the_same(tmp_path / "out", whole)

    @pytest.mark.slow
    def test_of_two_machines(
        self, start: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        processes = [start("nodes", NODE_RANK=str(rank), **meeting) for rank in range(2)]
        for process in processes:
            said = process.communicate(timeout=500)[1]
            assert process.returncode == 0, said
        self.learnt_the_same(tmp_path / "out", whole)

    @pytest.mark.slow
    def test_one_is_killed_and_the_run_goes_on(
        self, start: Callable[..., subprocess.Popen[str]], whole: Path, tmp_path: Path
    ) -> None:
        killed = start("killed")
        said = killed.communicate(timeout=500)[1]
        assert killed.returncode != 0
        assert "was lost; the same command resumes" in said
        again = start("devices")
        said = again.communicate(timeout=500)[1]
        assert again.returncode == 0, said
        assert (tmp_path / "out/logs/from_step_10/metrics.csv").exists()
        self.learnt_the_same(tmp_path / "out", whole)
