import shutil
from pathlib import Path

import pytest

from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.errors import CheckpointError, OutputError, SlotlightError
from slotlight.training import steps
from slotlight.training.state import save_state
from tiny_distilling import distil_tiny


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
            distil_tiny(discs, tmp_path / "run")
    weights = distil_tiny(discs, tmp_path / "run") / "detector.safetensors"
    assert weights.read_bytes() == (folder / "detector.safetensors").read_bytes()


def test_another_run_in_the_same_folder_is_refused(folder: Path, discs: list[PseudoMasks]) -> None:
    with pytest.raises(OutputError, match="seed"):
        distil_tiny(discs, folder, seed=1)


def test_regions_too_unsure_to_teach_are_named(discs: list[PseudoMasks], tmp_path: Path) -> None:
    with pytest.raises(SlotlightError, match=r"lower --min-votes|No region"):
        distil_tiny(discs, tmp_path / "run", min_votes=1.0)


@pytest.mark.parametrize("file", ["rounds/round_1.safetensors", "regions/round_1/000000.json"])
def test_a_flipped_bit_of_what_a_run_goes_on_from_is_noticed(
    folder: Path, discs: list[PseudoMasks], tmp_path: Path, file: str
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    content = bytearray((copy / file).read_bytes())
    content[-20] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        distil_tiny(discs, copy)
