"""Folders that Slotlight writes belong to it, and to one process at a time."""

from pathlib import Path

import pytest

from slotlight.errors import OutputError
from slotlight.files import claim_folder, claimed_parent


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "mine.jpg").write_text("a photograph")
    with pytest.raises(OutputError, match=r"did not write, such as mine.jpg; choose a new or empty folder"):
        claim_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jpg"]


def test_a_folder_is_one_process_s_until_it_is_released(tmp_path):
    lock = claim_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="Another process is writing to"):
        claim_folder(tmp_path / "out")
    lock.release()
    (tmp_path / "out" / "result").touch()
    claim_folder(tmp_path / "out").release()


def test_what_lies_in_it_is_known(tmp_path):
    claim_folder(tmp_path / "out").release()
    assert claimed_parent(tmp_path / "out" / "masks" / "a.png") == tmp_path / "out"
    assert claimed_parent(tmp_path / "a.png") is None
    assert claimed_parent(Path("/nowhere/at/all")) is None
