"""The notebooks of docs/ run from top to bottom, in an empty folder, and come to what is printed in them."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
MOST_BYTES = 150_000


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="install slotlight[docs]: make docs")
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    before = [outputs(cell) for cell in notebook.cells]
    NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [outputs(cell) for cell in notebook.cells] == before


def outputs(cell: dict[str, Any]) -> list[str]:
    """What a cell shows, but for its figures, which another processor may round otherwise; a picture is its kind."""
    shown = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if output.get("name") == "stderr" or "text/html" in data:  # warnings and progress, which are not kept
            continue
        text = output.get("text", data.get("text/plain", ""))
        pictures = [kind for kind in data if kind.startswith("image/")]
        shown.append(" ".join([re.sub(r"[-+]?\d+(\.\d+)?", "#", "".join(text)), *pictures]))
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_executed_and_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert '"execution_count": null' not in text
    assert '"output_type": "error"' not in text
    assert '"name": "stderr"' not in text
    assert str(ROOT) not in text
