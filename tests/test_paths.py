from pathlib import Path

import pytest

from slotlight.errors import ImageError
from slotlight.paths import expand_home


def test_a_quoted_tilde_is_the_home_unless_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert expand_home("~/a.jpg") == tmp_path / "a.jpg"
    assert expand_home("~nobody-of-that-name/a.jpg") == Path("~nobody-of-that-name/a.jpg")
    (tmp_path / "~x").touch()
    assert expand_home("~x") == Path("~x")


@pytest.mark.parametrize("name", ["", "  ", "a\0b"])
def test_what_names_no_file_is_refused(name: str) -> None:
    with pytest.raises(ImageError, match=r"empty name|no file or folder"):
        expand_home(name)
