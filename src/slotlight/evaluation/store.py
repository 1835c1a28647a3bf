"""Per-image values on disk: one file of JSON lines a (protocol, model, seed) and process.

A line is written when its image is measured, so a killed run loses at most the line it was writing. A file's
name holds a hash of all that its values depend on: model, data, and the code that measures. Another model of the
same name never reads them; another split of the same data does, photograph by photograph.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import OutputError
from slotlight.evaluation.measuring import Measured, Objects
from slotlight.metrics import ScoredRegions

_ONLY_PRESENTS = ("evaluation/", "report/", "cli/", "drawing")
"""Code that no photograph's values depend on; all other code of the package is in the key."""


@dataclass(frozen=True)
class Shard:
    """Where the values of one model, protocol and seed are kept.

    Attributes:
        folder: Of all files of this model and protocol.
        stem: Of this seed's files, one for each process that ever wrote here.
    """

    folder: Path
    stem: str

    @classmethod
    def of(cls, out: Path, protocol: str, discoverer: Discoverer, dataset: Dataset, seed: int) -> "Shard":
        """The shard of a run's part."""
        key = (code_fingerprint(), fingerprint(discoverer), dataset.identity)
        short = hashlib.sha256(repr(key).encode()).hexdigest()[:10]
        name = re.sub(r"[^\w.@-]+", "_", discoverer.name)
        return cls(out / "images" / protocol / name, f"seed-{seed}.{short}")

    def read(self) -> dict[str, Measured]:
        """All measured images by their id; a line that a kill cut off is left out."""
        found: dict[str, Measured] = {}
        for path in sorted(self.folder.glob(f"{self.stem}.process-*.jsonl")):
            for line in path.read_text().splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                found[record["id"]] = _measured(record)
        return found

    def open(self, process: int) -> "ShardWriter":
        """Go on writing, as one of several processes.

        Raises:
            OutputError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{self.stem}.process-{process}.jsonl"
            return ShardWriter(path.open("a+b"))
        except OSError as fault:
            raise OutputError(
                f"{self.folder} cannot be written: {fault.strerror}; choose another --out."
            ) from None


class ShardWriter:
    """Appends lines to a shard's file; what a kill cut off is ended first."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")

    def write(self, name: str, measured: Measured) -> None:
        """Add one image's values."""
        values = {k: None if np.isnan(v) else v for k, v in measured.values.items()}
        record: dict[str, Any] = {"id": name, "values": values, "objects": asdict(measured.objects)}
        if measured.regions is not None:
            record["regions"] = asdict(measured.regions)
        if measured.f_beta:
            record["f_beta"] = _run_lengths(measured.f_beta)
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@cache
def code_fingerprint() -> str:
    """A hash of the code that values depend on: values measured by other code are not taken for this one's."""
    root = Path(str(files("slotlight")))
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(_ONLY_PRESENTS):
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def fingerprint(discoverer: Discoverer) -> str:
    """A hash of a discoverer's rule, settings and weights: equal for equal results."""
    if discoverer not in _FINGERPRINTS:
        _FINGERPRINTS[discoverer] = _fingerprint(discoverer)
    return _FINGERPRINTS[discoverer]


_FINGERPRINTS: WeakKeyDictionary[Discoverer, str] = WeakKeyDictionary()  # a model's weights are hashed once


def _fingerprint(discoverer: Discoverer) -> str:
    segmenter = discoverer.segmenter
    digest = hashlib.sha256(f"{type(segmenter).__qualname__} {discoverer.name} {discoverer.rule}".encode())
    for key, value in sorted(vars(segmenter).items()):
        if isinstance(value, nn.Module):
            _digest_weights(digest, value)
        elif isinstance(value, str | int | float | tuple | None):
            digest.update(f"{key}={value!r}".encode())
    return digest.hexdigest()


def _digest_weights(digest: "hashlib._Hash", module: nn.Module) -> None:
    digest.update(repr(getattr(module, "config", "")).encode())
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())


def _measured(record: dict[str, Any]) -> Measured:
    regions = record.get("regions")
    return Measured(
        values={k: float("nan") if v is None else v for k, v in record["values"].items()},
        objects=Objects(tuple(record["objects"]["overlaps"]), tuple(record["objects"]["sizes"])),
        regions=regions and _regions(regions),
        f_beta=tuple(v for value, count in record.get("f_beta", []) for v in _repeat(value, count)),
    )


def _regions(record: dict[str, Any]) -> ScoredRegions:
    boxes = {part: tuple(tuple(box) for box in record[part]) for part in ("found", "annotated", "crowds")}
    return ScoredRegions(
        record["kind"], boxes["found"], tuple(record["scores"]), boxes["annotated"], boxes["crowds"]
    )


def _run_lengths(curve: tuple[float, ...]) -> list[tuple[float | None, int]]:
    """A curve of few distinct steps as (value, count): 255 numbers become about ten."""
    array = np.array(curve)
    same = (array[1:] == array[:-1]) | (np.isnan(array[1:]) & np.isnan(array[:-1]))
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    counts = np.diff([*starts, len(array)])
    return [(None if np.isnan(v) else float(v), int(n)) for v, n in zip(array[starts], counts, strict=True)]


def _repeat(value: float | None, count: int) -> list[float]:
    return [float("nan") if value is None else value] * count
