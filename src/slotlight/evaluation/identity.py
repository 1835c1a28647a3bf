"""What decides a measured value: the code, the model and its rule, the photograph and its labels.

A value kept on disk is taken for a new run's only if all of these are equal.
"""

import ast
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from itertools import islice
from pathlib import Path

from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.files import digest
from slotlight.parallel import WORKERS, map_ahead, worker_pool

_DECIDING = (
    *("images/*.py", "segmenter.py", "backbones/*.py", "model/*.py"),
    *("discovery/discoverer.py", "discovery/discovery.py", "discovery/objects.py", "discovery/segments.py"),
    "formats/*.py",
    *("baselines/*.py", "datasets/*.py", "metrics/*.py"),
    *("evaluation/measured.py", "evaluation/runner.py", "evaluation/protocols/*.py"),
    *("studies/corruptions.py", "studies/labelled/*.py", "detector/segmenter.py"),
)
"""The code that a photograph's values depend on, by patterns within the package."""

_LIBRARIES = ("torch", "timm", "numpy", "scipy", "pillow", "faster-coco-eval")


@dataclass(frozen=True)
class PhotographKey:
    """A photograph of a dataset, as it and its labels are now.

    Attributes:
        id: Its name in the dataset.
        identity: See `slotlight.datasets.Sample`.
    """

    id: str
    identity: str


def photograph_keys(dataset: Dataset, limit: int | None) -> list[PhotographKey]:
    """The keys of a dataset's photographs, or of only so many from the first."""

    def key(index: int) -> PhotographKey:
        sample = dataset[index]
        return PhotographKey(sample.id, sample.identity())

    with worker_pool() as pool:
        indices = islice(range(len(dataset)), limit)
        return list(map_ahead(pool, key, indices, ahead=4 * WORKERS))


def result_key(discoverer: Discoverer) -> str:
    """A hash of everything besides seed, protocol and photograph that decides what a model's values are."""
    segmenter = discoverer.segmenter
    rule, device = asdict(discoverer.rule), segmenter.device.type
    return digest(code_fingerprint(), segmenter.fingerprint(), rule, device)


@cache
def code_fingerprint() -> str:
    """A hash of the code and the libraries that values depend on; comments and docstrings do not count."""
    root = Path(str(files("slotlight")))
    code = {
        path.relative_to(root).as_posix(): statements(path.read_text())
        for pattern in _DECIDING
        for path in root.glob(pattern)
    }
    return digest(code, {library: version(library) for library in _LIBRARIES})


def statements(source: str) -> str:
    """What a module does, without its comments, docstrings and layout.

    Example:
        >>> statements("x = 1  # one") == statements('"A docstring."' + chr(10) + "x=1")
        True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
