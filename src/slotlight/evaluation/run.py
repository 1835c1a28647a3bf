"""Models × protocols × seeds → an `Evaluation`; the same on one process and on several, whole or resumed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from slotlight.datasets import Dataset
from slotlight.devices import device_name
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError
from slotlight.evaluation.identity import photograph_keys, result_key
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.processes import OneProcess, Processes, wait_for_others
from slotlight.evaluation.protocols import Protocol, check_labels, find_protocol
from slotlight.evaluation.result import Evaluation, ProtocolResult
from slotlight.evaluation.runner import Photographs, Run, by_view, left_out, measure
from slotlight.evaluation.store import Shard
from slotlight.evaluation.tables import Table, compare_rows, make_row
from slotlight.evaluation.values import Values
from slotlight.files import claim_folder, writing_to
from slotlight.progress import ProgressReport
from slotlight.version import __version__


def evaluate(
    discoverers: Sequence[Discoverer],
    dataset: Dataset,
    protocols: Sequence[str],
    *,
    out: str | Path,
    floors: Sequence[Discoverer] = (),
    options: EvaluationOptions | None = None,
    processes: Processes | None = None,
    command: str = "slotlight.evaluate(...)",
    progress: bool = False,
) -> Evaluation:
    """Measure models under named protocols, and write ``out/report.json`` and ``out/per_image/``.

    Each photograph's values are kept in ``out/images`` as they come: a run that was stopped goes on from there, and
    ends with the same result. With several processes each measures its share of the photographs.

    Args:
        discoverers: The models; what `slotlight.load` gives.
        dataset: The photographs and their labels.
        protocols: Names of `slotlight.evaluation.protocols.PROTOCOLS`.
        out: The folder to write to: new, empty or Slotlight's own.
        floors: Models to compare with.
        options: Seeds, number of photographs and so on.
        processes: The processes that share the work; without it, one.
        command: What the report names as its origin.
        progress: Whether to show a progress bar.

    Raises:
        DatasetError: The dataset lacks labels that a protocol needs, or a label file is broken (``stop``).
        ImageError: A photograph cannot be read (``stop``).
        UnknownNameError: There is no such protocol.
        OutputError: The folder holds files of others, is in use, or cannot be written.

    Example:
        >>> import tempfile
        >>> from slotlight.loading import load
        >>> from slotlight.datasets import SyntheticDataset
        >>> floor = load("whole-image")
        >>> found = evaluate([floor], SyntheticDataset(count=2), ["corloc"], out=tempfile.mkdtemp())
        >>> found.tables[0].images
        2
    """
    options, processes, out = options or EvaluationOptions(), processes or OneProcess(), Path(out)
    chosen = [find_protocol(name) for name in dict.fromkeys(protocols)]
    _check(discoverers, floors, dataset, chosen)
    with _claimed(out, processes):
        photographs = Photographs(dataset, photograph_keys(dataset, options.limit))
        runs = list(_plan([*discoverers, *floors], chosen, out, options, processes))
        show = progress and processes.global_rank == 0
        _measure_all(runs, photographs, options, processes, show=show)
        wait_for_others(processes)
        floor_names = {floor.name for floor in floors}
        results = tuple(_result(protocol, runs, photographs, floor_names) for protocol in chosen)
        device = device_name((*discoverers, *floors)[0].segmenter.device)
        evaluation = Evaluation(results, dataset, command, __version__, device)
        if processes.global_rank == 0:
            with writing_to(out):
                evaluation.write(out)
        wait_for_others(processes)
    return evaluation


def _check(
    discoverers: Sequence[Discoverer],
    floors: Sequence[Discoverer],
    dataset: Dataset,
    protocols: Sequence[Protocol],
) -> None:
    names = [discoverer.name for discoverer in (*discoverers, *floors)]
    if not names:
        raise DatasetError("There is nothing to evaluate; name a model, or keep the floors.")
    if not protocols:
        raise DatasetError("No protocol is named; name one, such as 'paper'.")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DatasetError(f"Two models are both called {min(twice)!r}; rename one of their folders.")
    for protocol in protocols:
        check_labels(protocol, dataset)
    if not len(dataset):
        raise DatasetError(f"{dataset.name} ({dataset.split}) has no photographs; choose another split.")


@contextmanager
def _claimed(out: Path, processes: Processes) -> Iterator[None]:
    """Hold the folder, in the first process; the others wait until it does."""
    lock = claim_folder(out) if processes.global_rank == 0 else None
    try:
        wait_for_others(processes)
        yield
    finally:
        if lock is not None:
            lock.release()


def _plan(
    discoverers: Sequence[Discoverer],
    protocols: Sequence[Protocol],
    out: Path,
    options: EvaluationOptions,
    processes: Processes,
) -> Iterator[Run]:
    """Every model, view and seed; models whose result depends on no seed have one."""
    for discoverer in discoverers:
        key = result_key(discoverer)
        for group in by_view(protocols):
            for seed in range(options.seeds if discoverer.segmenter.is_seeded else 1):
                shards = {
                    protocol: Shard.of(out, protocol.name, discoverer.name, key, seed, processes.global_rank)
                    for protocol in group
                }
                yield Run(discoverer, seed, shards)


def _measure_all(
    runs: Sequence[Run],
    photographs: Photographs,
    options: EvaluationOptions,
    processes: Processes,
    *,
    show: bool,
) -> None:
    share = len(photographs.keys[processes.global_rank :: processes.world_size])
    with ProgressReport("evaluation", share * len(runs), shown=show, even=False) as progress:
        for run in runs:
            advance = partial(progress.advance, f"{run.discoverer.name}, seed {run.seed}")
            measure(run, photographs, options, processes, advance)


def _result(
    protocol: Protocol, runs: Sequence[Run], photographs: Photographs, floor_names: set[str]
) -> ProtocolResult:
    """One protocol's values of every model, and their table."""
    ours = [run for run in runs if protocol in run.shards]
    for run in ours:
        run.shards[protocol].refresh()
    causes = left_out(protocol, ours, photographs)
    if len(causes) == len(photographs.keys):
        cause = next(iter(causes.values()))
        raise DatasetError(f"No photograph could be measured under {protocol.name!r}: {cause}")
    seeds: dict[str, list[dict[int, Measured]]] = {}
    for run in ours:
        measured = run.values(protocol, photographs)
        common = {index: values for index, values in measured.items() if index not in causes}
        seeds.setdefault(run.discoverer.name, []).append(common)
    values = [Values(name, name in floor_names, tuple(found), protocol.pool) for name, found in seeds.items()]
    table = _table(protocol, photographs.dataset, values, tuple(causes.values()))
    return ProtocolResult(protocol, table, tuple(values), causes)


def _table(protocol: Protocol, dataset: Dataset, values: Sequence[Values], skipped: tuple[str, ...]) -> Table:
    first = list(values[0].seeds[0].values())
    return Table(
        protocol=protocol.name,
        summary=protocol.summary,
        metrics=protocol.metrics,
        dataset=dataset.name,
        split=dataset.split,
        resolution=protocol.view.resolution,
        images=len(first),
        seeds=max(len(row.seeds) for row in values),
        rows=tuple(make_row(protocol, row) for row in values),
        comparisons=tuple(compare_rows(protocol, values)),
        skipped=skipped,
        objects=protocol.pool.objects(first) if protocol.pool else {},
    )
