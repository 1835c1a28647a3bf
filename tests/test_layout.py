"""The house rules of CONTRIBUTING.md: one direction of imports, small files, tests where one looks for them."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/slotlight"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
MOST_LINES = 300
DECLARATIONS = (
    *("version.py", "config/choices.py", "config/data.py", "evaluation/measured.py"),  # names and fields
    "model/slot_method.py",  # an interface
)
"""Modules without anything that a test could find wrong."""
TESTED_TOGETHER = ("studies",)
"""Rooms whose modules are steps of one run, tested as a whole by ``test_run.py``."""


def room(path: Path) -> str:
    """The folder below the package, or the file that lies directly in it."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    parts = [name.split(".") for name in names if name.startswith("slotlight.")]
    return {part[1] for part in parts} - {room(path)}


def tree_in_the_readme() -> list[str]:
    tree = re.search(r"src/slotlight/\n(.*?)\n\w", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert tree is not None
    return [
        name.removesuffix(".py")
        for name in re.findall(r"^  ([a-z_]+)(?:\.py|/)", tree[1], flags=re.MULTILINE)
    ]


def test_imports_run_down_the_tree_in_the_readme() -> None:
    order = {name: place for place, name in enumerate(tree_in_the_readme())}
    missing = {room(path) for path in MODULES} - order.keys() - {"__init__", "__main__"}
    assert not missing, "not in the README's tree"
    upward = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in MODULES
        if room(path) in order
        for other in imported_rooms(path)
        if order[other] > order[room(path)]
    ]
    assert not upward


def imported_modules(path: Path) -> set[str]:
    """Modules of the package that a file imports as soon as it is imported itself."""

    def statements(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef) or (
                isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            ):
                continue
            yield child
            yield from statements(child)

    imports = [node for node in statements(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    names = [(node.module, alias.name) for node in imports if node.module for alias in node.names]
    return {name for module, one in names for name in (module, f"{module}.{one}")}


def test_no_files_import_each_other_in_a_circle() -> None:
    by_name = {
        ".".join(("slotlight", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path
        for path in MODULES
    }
    graph = {name: (imported_modules(path) & by_name.keys()) - {name} for name, path in by_name.items()}
    list(TopologicalSorter(graph).static_order())  # raises a CycleError that names the files


def test_tests_are_found_by_the_path_of_what_they_test() -> None:
    tests = ROOT / "tests"
    rooms = {room(path) for path in MODULES} & {folder.name for folder in tests.iterdir() if folder.is_dir()}
    strays = [
        path.relative_to(tests).as_posix()
        for name in rooms
        for path in (tests / name).rglob("test_*.py")
        if not (PACKAGE / path.relative_to(tests).with_name(path.name.removeprefix("test_"))).is_file()
    ]
    assert not strays
    names = {path.relative_to(PACKAGE) for path in MODULES if not path.stem.startswith("__")}
    untested = {
        name.as_posix()
        for name in names
        if not (tests / name.with_name(f"test_{name.name}")).is_file()
        and name.parts[0] not in TESTED_TOGETHER
    }
    assert untested == set(DECLARATIONS), "write a test, or leave the module out of DECLARATIONS"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_a_baseline_is_one_function_and_one_line() -> None:
    """The example of CONTRIBUTING.md."""
    from slotlight.baselines import BASELINES, build_baseline

    example = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    assert example is not None
    try:
        exec(example[1], {})
        found = build_baseline("left-half").segment(torch.rand(2, 3, 8, 8))
        assert found.masks.shape == (2, 2, 8, 8)
        assert found.masks[0, 0, :, :4].min() == 1
    finally:
        BASELINES.pop("left-half", None)
