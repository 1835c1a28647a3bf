"""What the README and the pages of docs/ say is so: their Python runs, their links lead somewhere."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WITH_PYTHON = [README, *(ROOT / "docs" / f"{name}.md" for name in ("find-objects", "train", "measure"))]
WITH_PYTHON.append(ROOT / "docs/voting-and-distilling.md")
MOST_LINES = 120
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("recipes/*.md"))
    if "out" not in path.relative_to(ROOT).parts
)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_python_on_a_page(
    page: Path, photo_paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo_paths[1], "photo.jpg")
    shutil.copytree(photo_paths[0].parent, "photos")
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    made = {
        "README": ["overlay.png"],
        "find-objects": ["rocket-overlay.png"],
        "train": ["runs/mine/slots.safetensors"],
        "measure": ["evaluation/report.json"],
    }
    for name in made.get(page.stem, []):
        assert Path(name).is_file()


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for path, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in headings(target), f"{path}#{anchor}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site name them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_paths_through_the_code_exist_and_never_turn_back() -> None:
    text = (README.parent / "docs/how-it-works.md").read_text()
    walk = text.split("## Reading the code")[1].split("\n## ")[0]
    for path in walk.split("One step through"):
        steps = re.findall(r"^\| `([a-z_/]+\.py)` \| `(\w+)` ", path, flags=re.MULTILINE)
        assert len({file for file, _ in steps}) == len(steps) > 8
        for file, function in steps:
            text = (README.parent / "src/slotlight" / file).read_text()
            assert re.search(rf"(def|class) {function}\b", text), file


def test_every_file_in_the_tree_exists() -> None:
    tree = re.search(r"## The tree\n\n```\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert tree is not None
    named = re.findall(r"^  ([a-z_*]+(?:\.py|/))", tree[1], flags=re.MULTILINE)
    assert len(named) > 20
    for name in named:
        assert list((README.parent / "src/slotlight").glob(name)), name
