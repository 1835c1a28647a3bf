"""The examples in the docstrings are true: of every module that has any."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import slotlight

ROOT = Path(slotlight.__file__).parent
WITH_EXAMPLES = sorted(path for path in ROOT.rglob("*.py") if ">>>" in path.read_text())


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    results = doctest.testmod(import_module(".".join(part for part in parts if part != "__init__")))
    assert results.failed == 0
    assert results.attempted > 0
