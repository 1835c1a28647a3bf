"""Folders that Slotlight writes belong to it, and to one process at a time."""

from pathlib import Path

import pytest

from slotlight.errors import OutputError
from slotlight.files import begin_run, claim_folder, claimed_parent, csv_line, whole_file, write_text


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


OUTPUTS = ("results.json", "pictures")


def begin(folder: Path, *, start_over: bool = False, **identity: object) -> None:
    with begin_run(folder, identity, outputs=OUTPUTS, start_over=start_over):
        pass


def test_the_same_run_goes_on_and_another_is_refused(tmp_path):
    begin(tmp_path / "out", model="a", seed=0)
    (tmp_path / "out/results.json").write_text("half of it")
    begin(tmp_path / "out", seed=0, model="a")
    with pytest.raises(OutputError, match=r"another run \(seed was 0 and is now 1\); .+ --start-over"):
        begin(tmp_path / "out", model="a", seed=1)
    assert (tmp_path / "out/results.json").read_text() == "half of it"
    begin(tmp_path / "out", model="a", seed=0)  # the refusal let go of the lock


def test_starting_over_deletes_what_the_run_wrote_and_nothing_else(tmp_path):
    begin(tmp_path / "out", seed=0)
    for name in ("results.json", "pictures/a.png", "notes.txt"):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    begin(tmp_path / "out", seed=1, start_over=True)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."] == ["notes.txt"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "a.png"
    path.parent.mkdir()
    path.write_text("former")

    def fail_halfway() -> None:
        with whole_file(path) as partial:
            assert partial.suffix == ".png"
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "former"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_a_name_that_is_not_unicode_is_spelt_out(tmp_path):
    write_text(tmp_path / "names.csv", [csv_line(("a\udcff.jpg", 'b"c\n'))])
    assert (tmp_path / "names.csv").read_bytes() == b'a\\udcff.jpg,"b""c\n"\n'
