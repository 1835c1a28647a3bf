"""Per-photograph values on disk: a file of JSON lines for each protocol, model, seed and process.

A line is written when its photograph is measured, so a killed run loses at most the line it was writing. A file's
name holds a hash of everything that decides its values but the photograph, and every line the identity of its
photograph and labels: values of other models, code, photographs or labels are never read as this run's.
"""

import re
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from slotlight.evaluation.identity import PhotographKey
from slotlight.evaluation.measured import Measured, ObjectOverlaps
from slotlight.files import digest, sealed, unsealed, writing_to
from slotlight.formats.run_lengths import RunLengths
from slotlight.metrics import ScoredRegions

_LONGEST_NAME = 80


class Shard:
    """The values of one model under one protocol with one seed; no line is parsed twice.

    Args:
        folder: Of all files of this model and protocol.
        stem: How this shard's files begin, one for each process that ever wrote here.
        process: Which of several processes this is.
    """

    def __init__(self, folder: Path, stem: str, process: int) -> None:
        self.folder, self.stem = folder, stem
        self.path = folder / f"{stem}.process-{process}.jsonl"
        self._file: IO[bytes] | None = None
        self._parsed_bytes: dict[Path, int] = {}
        self._measured: dict[PhotographKey, Measured] = {}
        self._left_out: dict[PhotographKey, str] = {}
        self.refresh()

    @classmethod
    def of(cls, out: Path, protocol: str, model: str, key: str, seed: int, process: int = 0) -> "Shard":
        """The shard of a run's part; ``key`` is its `slotlight.evaluation.identity.result_key`."""
        name = re.sub(r"[^\w.@-]+", "_", model)[:_LONGEST_NAME]
        stem = f"seed-{seed}.{digest(key, protocol, model, seed)}"
        return cls(out / "images" / protocol / name, stem, process)

    def find(self, photograph: PhotographKey) -> Measured | None:
        """A photograph's values; None while it is not measured."""
        return self._measured.get(photograph)

    def cause(self, photograph: PhotographKey) -> str | None:
        """Why a photograph was left out when it was last tried; None where it never was."""
        return self._left_out.get(photograph)

    def refresh(self) -> None:
        """Read what this and other processes have written since."""
        for path in sorted(self.folder.glob(f"{self.stem}.process-*.jsonl")):
            start = self._parsed_bytes.get(path, 0)
            with path.open("rb") as file:
                file.seek(start)
                content = file.read()
            whole = content[: content.rfind(b"\n") + 1]  # what follows is still being written, or was cut off
            self._parsed_bytes[path] = start + len(whole)
            for line in whole.splitlines():
                self._take(line)

    def write(self, photograph: PhotographKey, measured: Measured) -> None:
        """Keep one photograph's values."""
        self._measured[photograph] = measured
        self._append(photograph, _to_record(measured))

    def leave_out(self, photograph: PhotographKey, cause: str) -> None:
        """Keep why a photograph could not be measured."""
        if self._left_out.get(photograph) != cause:
            self._left_out[photograph] = cause
            self._append(photograph, {"left_out": cause})

    def close(self) -> None:
        """Close the file, if anything was written."""
        if self._file is not None:
            with writing_to(self.folder):
                self._file.close()
            self._file = None

    def _append(self, photograph: PhotographKey, record: dict[str, Any]) -> None:
        line = sealed({"id": photograph.id, "of": photograph.identity} | record).encode() + b"\n"
        with writing_to(self.folder):
            if self._file is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a+b")
                _end_last_line(self._file)
            self._file.write(line)
            self._file.flush()
            self._parsed_bytes[self.path] = self._file.tell()

    def _take(self, line: bytes) -> None:
        record = unsealed(line)
        if record is None:
            return
        photograph = PhotographKey(record["id"], record["of"])
        if "left_out" in record:
            self._left_out[photograph] = record["left_out"]
        else:
            self._measured[photograph] = _from_record(record)


def _end_last_line(file: IO[bytes]) -> None:
    """End a line that a kill cut off."""
    if file.seek(0, 2):
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _to_record(measured: Measured) -> dict[str, Any]:
    values = {k: None if np.isnan(v) else v for k, v in measured.values.items()}
    record: dict[str, Any] = {"values": values, "objects": asdict(measured.objects)}
    if measured.regions is not None:
        record["regions"] = asdict(measured.regions)
    if measured.f_beta:
        record["f_beta"] = _to_steps(measured.f_beta)
    return record


def _from_record(record: dict[str, Any]) -> Measured:
    regions = record.get("regions")
    return Measured(
        values={k: float("nan") if v is None else v for k, v in record["values"].items()},
        objects=ObjectOverlaps(tuple(record["objects"]["overlaps"]), tuple(record["objects"]["sizes"])),
        regions=regions and _to_regions(regions),
        f_beta=tuple(v for value, count in record.get("f_beta", []) for v in _repeat(value, count)),
    )


def _to_regions(record: dict[str, Any]) -> ScoredRegions:
    kind: Literal["bbox", "segm"] = record["kind"]
    found, annotated, crowds = (
        tuple(
            RunLengths((one["size"][0], one["size"][1]), one["counts"]) if kind == "segm" else tuple(one)
            for one in record[part]
        )
        for part in ("found", "annotated", "crowds")
    )
    areas = record["areas"]
    return ScoredRegions(
        kind, found, tuple(record["scores"]), annotated, crowds, None if areas is None else tuple(areas)
    )


def _to_steps(curve: tuple[float, ...]) -> list[tuple[float | None, int]]:
    """A curve of few distinct steps as (value, count): 255 numbers become about ten."""
    array = np.array(curve)
    same = (array[1:] == array[:-1]) | (np.isnan(array[1:]) & np.isnan(array[:-1]))
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    counts = np.diff([*starts, len(array)])
    return [(None if np.isnan(v) else float(v), int(n)) for v, n in zip(array[starts], counts, strict=True)]


def _repeat(value: float | None, count: int) -> list[float]:
    return [float("nan") if value is None else value] * count
