"""What an evaluation returns: tables, and the values that they were made from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from slotlight.datasets import Dataset
from slotlight.evaluation.protocols import Protocol
from slotlight.evaluation.tables import Table
from slotlight.evaluation.values import Values
from slotlight.files import csv_line, write_text


@dataclass(frozen=True)
class ProtocolResult:
    """What was measured under one protocol.

    Attributes:
        protocol: The protocol.
        table: The summary.
        values: Of every model, each photograph's.
        left_out: Why each photograph that was left out was, by its place in the dataset.
    """

    protocol: Protocol
    table: Table
    values: tuple[Values, ...]
    left_out: dict[int, str]


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation measured.

    Attributes:
        results: One for each protocol.
        dataset: The photographs.
        command: What was typed.
        version: Of Slotlight.
        device: What it ran on.
    """

    results: tuple[ProtocolResult, ...]
    dataset: Dataset
    command: str
    version: str
    device: str

    @property
    def tables(self) -> tuple[Table, ...]:
        """One for each protocol."""
        return tuple(result.table for result in self.results)

    def write(self, out: Path) -> None:
        """Write ``report.json`` (what is undefined is null) and ``per_image/``, a CSV file for each protocol."""
        content = {"tables": [asdict(table) for table in self.tables]}
        facts = {"command": self.command, "version": self.version, "device": self.device}
        write_text(out / "report.json", [json.dumps(_to_json(content | facts), indent=1), "\n"])
        for result in self.results:
            _write_csv(out / "per_image" / f"{result.protocol.name}.csv", result, self.dataset)


def _write_csv(path: Path, result: ProtocolResult, dataset: Dataset) -> None:
    names = [metric.name for metric in result.protocol.metrics if not metric.pooled]
    rows = (line for row in result.values for line in _csv_rows(row, names, dataset))
    write_text(path, map(csv_line, chain([["photograph", "model", "seed", *names]], rows)))


def _csv_rows(row: Values, names: Sequence[str], dataset: Dataset) -> list[list[Any]]:
    return [
        [dataset[index].id, row.model, seed, *(image.values[name] for name in names)]
        for seed, images in enumerate(row.seeds)
        for index, image in images.items()
    ]


def _to_json(value: Any) -> Any:
    """JSON has no NaN; and the file keeps the name that it first gave to a row's estimates."""
    if isinstance(value, dict):
        return {"figures" if key == "estimates" else key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
