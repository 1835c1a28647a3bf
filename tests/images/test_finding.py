import os
from pathlib import Path

import pytest

from slotlight.errors import ImageError
from slotlight.images.files import reads_heic
from slotlight.images.finding import find_photographs, survey_photographs


class TestFind:
    def test_folders_recursively_in_a_fixed_order_without_hidden_files(self, tmp_path: Path) -> None:
        (tmp_path / "b").mkdir()
        for name in ["z.JPG", "a.png", "b/c.webp", "b/._c.webp", "notes.txt"]:
            (tmp_path / name).touch()
        assert find_photographs([tmp_path]) == [tmp_path / "a.png", tmp_path / "b/c.webp", tmp_path / "z.JPG"]

    def test_files_globs_and_folders_give_each_photograph_once(self, tmp_path: Path) -> None:
        for name in ["b.jpg", "a[1].jpg", "odd.name"]:
            (tmp_path / name).touch()
        asked = [tmp_path / "odd.name", tmp_path / "a[1].jpg", f"{tmp_path}/*.jpg", str(tmp_path)]
        assert [p.name for p in find_photographs(asked)] == ["odd.name", "a[1].jpg", "b.jpg"]

    @pytest.mark.parametrize(
        ("name", "says"),
        [("nowhere", "no file or folder"), ("", "holds no photograph"), ("*.jpg", "No photograph matches")],
    )
    def test_nothing_found_is_one_sentence(self, tmp_path: Path, name: str, says: str) -> None:
        with pytest.raises(ImageError, match=says):
            find_photographs([tmp_path / name])

    def test_stars_over_folders(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b" / ".c").mkdir(parents=True)
        for name in ["1.jpg", "a/2.jpg", "a/b/3.jpg", "a/b/4.png", "a/b/.c/5.jpg"]:
            (tmp_path / name).touch()
        assert [p.name for p in find_photographs([f"{tmp_path}/**/*.jpg"])] == ["1.jpg", "2.jpg", "3.jpg"]
        assert [p.name for p in find_photographs([f"{tmp_path}/a/**"])] == ["2.jpg", "3.jpg", "4.png"]
        assert [p.name for p in find_photographs([f"{tmp_path}/*/b/*"])] == ["3.jpg", "4.png"]

    @pytest.mark.parametrize("empty", ["", "  "])
    def test_an_empty_name(self, empty: str) -> None:
        with pytest.raises(ImageError, match="An empty name"):
            find_photographs([empty])

    @pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "nul\0.jpg"])
    def test_impossible_names(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ImageError, match="no file or folder"):
            find_photographs([f"{tmp_path}/{name}"])

    def test_a_quoted_tilde(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "a.jpg").touch()
        assert find_photographs(["~"]) == find_photographs(["~/*.jpg"]) == [tmp_path / "a.jpg"]
        with pytest.raises(ImageError, match="no file or folder ~nobody-of-that-name"):
            find_photographs(["~nobody-of-that-name/x"])


class TestLinks:
    def test_linked_folders_are_followed_once_and_loops_end(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "real" / "a.jpg").touch()
        (tmp_path / "elsewhere" / "b.jpg").touch()
        (tmp_path / "asked").mkdir()
        (tmp_path / "asked" / "to").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "asked" / "again").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "asked")
        (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "asked" / "loop").symlink_to("loop")
        assert [p.name for p in find_photographs([tmp_path / "asked"])] == ["b.jpg"]
        assert [p.name for p in find_photographs([f"{tmp_path}/asked/**/*.jpg"])] == ["b.jpg"]

    def test_broken_links_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
        found = survey_photographs([tmp_path])
        assert [p.name for p in found.photographs] == ["a.jpg"]
        assert len(found.left_out) == 1
        assert "gone.jpg is a broken link" in found.left_out[0]
        with pytest.raises(ImageError, match=r"broken link to .*nowhere\.jpg"):
            find_photographs([tmp_path / "gone.jpg"])

    def test_unreadable_folders_are_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "secret").mkdir()
        (tmp_path / "a.jpg").touch()
        scan = os.scandir

        def refuse(folder: Path) -> object:
            if Path(folder).name == "secret":
                raise PermissionError(13, "Permission denied")
            return scan(folder)

        monkeypatch.setattr(os, "scandir", refuse)  # for root every folder is readable
        found = survey_photographs([tmp_path])
        assert len(found.photographs) == 1
        assert "secret cannot be read (Permission denied)" in found.left_out[0]

    def test_pipes_are_left_alone(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        (tmp_path / "a.jpg").touch()
        found = survey_photographs([tmp_path])
        assert found.photographs == [tmp_path / "a.jpg"]
        assert found.left_out == [f"{tmp_path / 'pipe.jpg'} is not a regular file and was left out."]
        with pytest.raises(ImageError, match="neither a file nor a folder"):
            find_photographs([tmp_path / "pipe.jpg"])


class TestLeftOut:
    def test_each_kind_is_counted_with_its_remedy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("slotlight.images.finding.reads_heic", lambda: False)
        for name in ["1.JPG", "1.HEIC", "2.heic", "1.MOV", "1.AAE", "raw.DNG", "notes.txt", "._1.HEIC"]:
            (tmp_path / name).touch()
        found = survey_photographs([tmp_path])
        assert [p.name for p in found.photographs] == ["1.JPG"]
        aae, raw, heic, film = found.left_out
        assert heic.startswith(f"2 .heic files were left out of {tmp_path}; to read them, run pip install")
        assert "1 .mov file was left out" in film
        assert "1 .aae file" in aae
        assert "export it as JPEG" in raw

    def test_a_folder_of_heic_alone_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("slotlight.images.finding.reads_heic", lambda: False)
        (tmp_path / "1.HEIC").touch()
        with pytest.raises(ImageError, match=r"no photograph.* 1 \.heic file was left out"):
            find_photographs([tmp_path])

    @pytest.mark.skipif(not reads_heic(), reason="the extra heic is not installed")
    def test_heic_is_found_where_it_can_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "1.HEIC").touch()
        assert find_photographs([tmp_path]) == [tmp_path / "1.HEIC"]
