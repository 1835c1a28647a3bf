"""Models × protocols × seeds → a `Report`; the same on one process and on several, whole or resumed."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol as Interface
from typing import runtime_checkable

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from slotlight.datasets import Dataset
from slotlight.devices import device_name
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError, OutputError, SlotlightError
from slotlight.evaluation.measuring import Measured
from slotlight.evaluation.protocols import Protocol, find_protocol
from slotlight.evaluation.runner import OnError, Process, Run, by_view, measure, skipped
from slotlight.evaluation.tables import Report, Table, compare_rows, make_row
from slotlight.evaluation.values import Values
from slotlight.report.markdown import to_markdown
from slotlight.version import __version__


@runtime_checkable
class Processes(Interface):
    """Equal processes that share the photographs; `lightning.Fabric` is one."""

    @property
    def global_rank(self) -> int:
        """Which of them this is."""
        ...

    @property
    def world_size(self) -> int:
        """How many there are."""
        ...

    def barrier(self) -> None:
        """Wait for the others."""
        ...


@dataclass(frozen=True)
class Alone:
    """One process."""

    global_rank: int = 0
    world_size: int = 1

    def barrier(self) -> None:
        """Nobody to wait for."""


def evaluate(
    discoverers: Sequence[Discoverer],
    dataset: Dataset,
    protocols: Sequence[str],
    *,
    out: str | Path,
    floors: Sequence[Discoverer] = (),
    seeds: int = 1,
    limit: int | None = None,
    batch_size: int = 8,
    on_error: OnError = "stop",
    processes: Processes | None = None,
    command: str = "slotlight.evaluate(...)",
    progress: bool = False,
) -> Report:
    """Measure models under named protocols, and write ``out/report.json``, ``out/report.md`` and ``out/per_image/``.

    Each image's values are kept in ``out/images`` as they come: a run that was stopped goes on from there, and
    ends with the same report. With several processes each measures its share of the photographs.

    Args:
        discoverers: The models; what `slotlight.load` gives.
        dataset: The photographs and their labels.
        protocols: Names of `slotlight.evaluation.protocols.PROTOCOLS`.
        out: The folder to write to.
        floors: Models that know nothing, for comparison.
        seeds: Seeds 0, 1, … of each model that draws anything.
        limit: Only so many photographs, from the first.
        batch_size: Photographs that go through a model at once.
        on_error: ``stop`` at a photograph or label file that cannot be used, or ``skip`` it: it is then listed in
            the report.
        processes: The processes that share the work; without it, one.
        command: What the report says made it.
        progress: Whether to show a progress bar.

    Raises:
        DatasetError: The dataset lacks labels that a protocol needs, or a label file is broken (``stop``).
        ImageError: A photograph cannot be read (``stop``).
        UnknownNameError: There is no such protocol.

    Example:
        >>> import tempfile
        >>> from slotlight.loading import load
        >>> from slotlight.datasets import SyntheticDataset
        >>> floor = load("whole-image")
        >>> report = evaluate([floor], SyntheticDataset(count=2), ["corloc"], out=tempfile.mkdtemp())
        >>> report.tables[0].images
        2
    """
    chosen = [find_protocol(name) for name in dict.fromkeys(protocols)]
    for protocol in chosen:
        protocol.check(dataset)
    _check(discoverers, floors, seeds, limit)
    if not len(dataset):
        raise DatasetError(f"{dataset.name} ({dataset.split}) has no photographs; choose another split.")
    processes = processes or Alone()
    process = Process(processes.global_rank, processes.world_size)
    everyone = (*discoverers, *floors)
    indices = range(min(len(dataset), limit or len(dataset)))
    runs = [
        Run(discoverer, group, seed, dataset, indices, Path(out))
        for discoverer in everyone
        for group in by_view(chosen)
        for seed in range(seeds if discoverer.segmenter.is_seeded else 1)
    ]
    _measure_all(runs, process, batch_size, on_error, show=progress and process.rank == 0)
    _wait(processes)
    values = {protocol: _collect(protocol, runs, floors) for protocol in chosen}
    first = {protocol: next(run for run in runs if protocol in run.protocols) for protocol in chosen}
    tables = tuple(_table(protocol, first[protocol], values[protocol]) for protocol in chosen)
    report = Report(tables, command, __version__, device_name(everyone[0].segmenter.device))
    if process.rank == 0:
        _write(report, Path(out), dataset, values)
    _wait(processes)
    return report


def _wait(processes: Processes) -> None:
    try:
        processes.barrier()
    except RuntimeError:  # how torch.distributed tells of a peer that is gone
        raise SlotlightError("Another process of this run has failed; its own message says why.") from None


def _check(
    discoverers: Sequence[Discoverer], floors: Sequence[Discoverer], seeds: int, limit: int | None
) -> None:
    names = [d.name for d in (*discoverers, *floors)]
    if not names:
        raise DatasetError("There is nothing to evaluate; name a model, or keep the floors.")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DatasetError(f"Two models are both called {min(twice)!r}; rename one of their folders.")
    if seeds < 1 or (limit is not None and limit < 1):
        raise DatasetError("The number of seeds and the limit must be at least 1.")


def _measure_all(
    runs: Sequence[Run], process: Process, batch_size: int, on_error: OnError, *, show: bool
) -> None:
    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not show) as bar:
        share = len(runs[0].indices[process.rank :: process.count])
        task = bar.add_task("", total=share * len(runs))
        for run in runs:
            bar.update(task, description=f"{run.discoverer.name}, seed {run.seed}")
            advance = partial(bar.advance, task)
            measure(run, process, batch_size=batch_size, on_error=on_error, advance=advance)


def _collect(protocol: Protocol, runs: Sequence[Run], floors: Sequence[Discoverer]) -> list[Values]:
    """Every model's values of the photographs that were asked for, in their order."""
    seeds: dict[str, list[dict[int, Measured]]] = {}
    for run in runs:
        if protocol in run.protocols:
            seeds.setdefault(run.discoverer.name, []).append(run.measured(protocol))
    floor_names = {floor.name for floor in floors}
    return [Values(name, name in floor_names, tuple(found), protocol.pool) for name, found in seeds.items()]


def _table(protocol: Protocol, run: Run, values: Sequence[Values]) -> Table:
    left_out = skipped(run, protocol)
    if not values[0].seeds[0]:
        raise DatasetError(f"No photograph could be measured under {protocol.name!r}: {left_out[0]}")
    return Table(
        protocol=protocol.name,
        summary=protocol.summary,
        metrics=protocol.metrics,
        dataset=run.dataset.name,
        split=run.dataset.split,
        resolution=protocol.view.resolution,
        images=len(values[0].seeds[0]),
        seeds=max(len(row.seeds) for row in values),
        rows=tuple(make_row(protocol, row) for row in values),
        comparisons=tuple(compare_rows(protocol, values)),
        skipped=tuple(left_out),
    )


def _write(report: Report, out: Path, dataset: Dataset, values: dict[Protocol, list[Values]]) -> None:
    try:
        report.write(out / "report.json")
        (out / "report.md").write_text(to_markdown(report))
        for protocol, rows in values.items():
            _write_csv(out / "per_image" / f"{protocol.name}.csv", protocol, dataset, rows)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}; choose another --out.") from None


def _write_csv(path: Path, protocol: Protocol, dataset: Dataset, values: Sequence[Values]) -> None:
    names = [metric.name for metric in protocol.metrics if not metric.pooled]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photograph", "model", "seed", *names])
        for row in values:
            for seed, images in enumerate(row.seeds):
                for index, image in images.items():
                    writer.writerow(
                        [dataset[index].id, row.model, seed, *(image.values[name] for name in names)]
                    )
