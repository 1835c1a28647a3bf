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


def test_the_paths_through_the_code_exist_and_never_turn_back() -> None:
    text = (README.parent / "docs/how-it-works.md").read_text()
    walk = text.split("## Reading the code")[1].split("\n## ")[0]
    for path in walk.split("One step through"):
        steps = re.findall(r"^\| `([a-z_/]+\.py)` \| `(\w+)` ", path, flags=re.MULTILINE)
        assert len({file for file, _ in steps}) == len(steps) > 8
        for file, function in steps:
            assert f"def {function}(" in (README.parent / "src/slotlight" / file).read_text(), file


def test_every_file_in_the_tree_exists() -> None:
    tree = re.search(r"## The tree\n\n```\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert tree is not None
    named = re.findall(r"^  ([a-z_*]+(?:\.py|/))", tree[1], flags=re.MULTILINE)
    assert len(named) > 20
    for name in named:
        assert list((README.parent / "src/slotlight").glob(name)), name
