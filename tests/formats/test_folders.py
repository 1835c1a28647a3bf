from pathlib import Path

import pytest

from slotlight.formats.folders import file_below, whole_folder


def test_a_folder_takes_the_place_of_the_former_one_or_leaves_it(tmp_path: Path) -> None:
    out = tmp_path / "labels"
    for text in ("one", "two"):
        with whole_folder(out) as folder:
            file_below(folder, "a/b", ".txt").write_text(text)

    def stopped() -> None:
        with whole_folder(out) as folder:
            file_below(folder, "c", ".txt").write_text("three")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (out / "a/b.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b.txt", "labels"]
