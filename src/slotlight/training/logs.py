"""Loss, learning rate and signs of a run on disk: ``metrics.csv`` and events for TensorBoard."""

import csv
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TextIO

from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

from slotlight.training.by_products import ByProducts

COLUMNS = ("loss", "learning_rate", "alike", "largest", "agreement")
"""What may be written of a step; the last three are `slotlight.training.signs.Signs`."""


class Logs:
    """Writes numbers of a run; a full disk costs the log, never the run.

    Unusual: TensorBoard's own writer writes in a thread, where a full disk ends in a traceback on the terminal. Events
    are few here, and are written at once.

    Args:
        folder: Where to; what an interrupted attempt left there goes.
        on: Whether to write at all.
    """

    def __init__(self, folder: Path, *, on: bool = True) -> None:
        self.folder, self.on, self.by_products = folder, on, ByProducts()
        self._open = ExitStack()
        self._files: tuple[TextIO, BinaryIO] | None = None

    def __enter__(self) -> "Logs":
        if not self.on:
            return self
        with self.by_products.attempt("logs"):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            rows = self._open.enter_context((self.folder / "metrics.csv").open("w", newline=""))
            name = f"events.out.tfevents.{time.time():.0f}.slotlight"
            events = self._open.enter_context((self.folder / name).open("wb"))
            csv.writer(rows).writerow(["step", *COLUMNS])
            first = Event(wall_time=time.time(), file_version="brain.Event:2")
            RecordWriter(events).write(first.SerializeToString())
            self._files = rows, events
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.by_products.attempt("logs"):
            self._open.close()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row and an event, of those `COLUMNS` that are known of this step."""
        if self._files is None:
            return
        rows, events = self._files
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        event = Event(wall_time=time.time(), step=step, summary=summary)
        with self.by_products.attempt("logs"):
            csv.writer(rows).writerow([step, *(values.get(column, "") for column in COLUMNS)])
            RecordWriter(events).write(event.SerializeToString())
            rows.flush()
            events.flush()
