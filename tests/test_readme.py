"""What the README shows in Python works as it stands."""

import re
import shutil
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_python_in_the_readme(
    photo_paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo_paths[1], "photo.jpg")
    shutil.copytree(photo_paths[0].parent, "photos")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert Path("overlay.png").is_file()
    assert Path("runs/mine/slots.safetensors").is_file()


def test_every_file_in_the_tree_exists() -> None:
    tree = re.search(r"## The tree\n\n```\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert tree is not None
    named = re.findall(r"^  ([a-z_*]+(?:\.py|/))", tree[1], flags=re.MULTILINE)
    assert len(named) > 20
    for name in named:
        assert list((README.parent / "src/slotlight").glob(name)), name
