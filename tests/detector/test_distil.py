import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import slotlight
from slotlight.detector.distil import distil, teaching_rule
from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.errors import CheckpointError, OutputError, SlotlightError
from slotlight.training import steps
from slotlight.training.state import save_state
from tiny_distilling import DETECTOR, TRAINING


def run(discs: list[PseudoMasks], out: Path, **changes: object) -> Path:
    config = replace(TRAINING, **changes)
    teacher = slotlight.load("voting", rule=teaching_rule(config, config.min_votes), device="cpu")
    files = [one.path for one in discs]
    return distil(files, out, teacher, DETECTOR, config, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(discs: list[PseudoMasks], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(discs, tmp_path_factory.mktemp("distil") / "run")


def test_the_folder_is_a_model(folder: Path, discs: list[PseudoMasks]) -> None:
    discoverer = slotlight.load(folder, device="cpu")
    found = discoverer.discover([one.path for one in discs[:2]])
    again = discoverer.discover(discs[1].path)
    assert found[1].scores.tolist() == pytest.approx(again.scores.tolist(), abs=1e-4)
    overlap = found[0].masks.sum(axis=0, dtype=int)
    assert overlap.max(initial=0) <= 1


def test_a_killed_run_ends_in_the_same_weights(
    folder: Path, discs: list[PseudoMasks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    saves = 0

    def save_then_die(*args: object) -> None:
        nonlocal saves
        save_state(*args)
        saves += 1
        if saves == 3:  # in the middle of the second round
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(steps, "save_state", save_then_die)
        with pytest.raises(KilledError):
            run(discs, tmp_path / "run")
    weights = run(discs, tmp_path / "run") / "detector.safetensors"
    assert weights.read_bytes() == (folder / "detector.safetensors").read_bytes()


def test_another_run_in_the_same_folder_is_refused(folder: Path, discs: list[PseudoMasks]) -> None:
    with pytest.raises(OutputError, match="seed"):
        run(discs, folder, seed=1)


def test_regions_too_unsure_to_teach_are_named(discs: list[PseudoMasks], tmp_path: Path) -> None:
    with pytest.raises(SlotlightError, match=r"lower --min-votes|No region"):
        run(discs, tmp_path / "run", min_votes=1.0)


def test_damaged_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = copy / "detector.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        slotlight.load(copy)


@pytest.mark.parametrize("file", ["rounds/round_1.safetensors", "regions/round_1/000000.json"])
def test_a_flipped_bit_of_what_a_run_goes_on_from_is_noticed(
    folder: Path, discs: list[PseudoMasks], tmp_path: Path, file: str
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    content = bytearray((copy / file).read_bytes())
    content[-20] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        run(discs, copy)
