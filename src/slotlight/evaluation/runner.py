"""Models over photographs: every (protocol, seed) that is not yet on disk, in constant memory.

Reading and measuring run in threads beside the model. Protocols that show a model the same view of a
photograph share the model's work.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from slotlight.datasets import Dataset, Labels, Sample
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.errors import DatasetError, ImageError
from slotlight.evaluation.measuring import Measured
from slotlight.evaluation.protocols import Protocol
from slotlight.evaluation.store import Shard
from slotlight.images import RGBImage
from slotlight.parallel import map_ahead, worker_pool

OnError = Literal["stop", "skip"]
_AHEAD = 16


@dataclass(frozen=True)
class Process:
    """Which of several equal processes this is; each takes every ``count``-th photograph."""

    rank: int = 0
    count: int = 1


@dataclass(frozen=True)
class Run:
    """One model on one view of the photographs with one seed.

    Attributes:
        discoverer: The model.
        protocols: All those of the view.
        seed: Of the model's noise.
        dataset: The photographs.
        indices: Which of them are asked for.
        out: Where values are kept.
    """

    discoverer: Discoverer
    protocols: tuple[Protocol, ...]
    seed: int
    dataset: Dataset
    indices: range
    out: Path

    def shard(self, protocol: Protocol) -> Shard:
        """Where a protocol's values are kept."""
        return Shard.of(self.out, protocol.name, self.discoverer, self.dataset, self.seed)

    def measured(self, protocol: Protocol) -> dict[int, Measured]:
        """The kept values of the photographs that are asked for, by index, in order."""
        found = self.shard(protocol).read()
        named = ((index, self.dataset[index].id) for index in self.indices)
        return {index: found[name] for index, name in named if name in found}


@dataclass(frozen=True)
class Prepared:
    """A photograph as a model is shown it, and what it is held against.

    Attributes:
        id: Its name in the dataset.
        image: The view.
        labels: For each protocol; or why there are none.
    """

    id: str
    image: RGBImage
    labels: tuple[Labels | DatasetError, ...]


def by_view(protocols: Iterable[Protocol]) -> list[tuple[Protocol, ...]]:
    """Protocols in groups that share a view."""
    ordered = sorted(protocols, key=lambda p: p.view.resolution)
    return [tuple(group) for _, group in groupby(ordered, key=lambda p: p.view.resolution)]


def measure(
    run: Run,
    process: Process,
    *,
    batch_size: int,
    on_error: OnError,
    advance: Callable[[], None],
) -> None:
    """Measure this process's photographs that are not yet measured, and append them to the shards.

    Args:
        run: What to measure.
        process: Whose share of the photographs.
        batch_size: Photographs that go through the model at once.
        on_error: Whether the first photograph or label that cannot be used ends the run, or is left out; those
            left out are found by `skipped` afterwards.
        advance: Called after each photograph, whatever became of it.

    Raises:
        DatasetError: A label cannot be used, and the run is to stop.
        ImageError: A photograph cannot be read, and the run is to stop.
    """
    done = set.intersection(*(set(run.measured(protocol)) for protocol in run.protocols))
    with ExitStack() as stack:
        writers = [run.shard(protocol).open(process.rank) for protocol in run.protocols]
        for writer in writers:
            stack.callback(writer.close)
        for prepared, measured in _measured(
            run, _todo(run, process, done, advance), batch_size, on_error, advance
        ):
            for writer, values in zip(writers, measured, strict=True):
                if values is not None:
                    writer.write(prepared.id, values)
            advance()


def prepare(run: Run, index: int) -> Prepared | ImageError:
    """Read a photograph and its labels as the run's protocols want them."""
    sample = run.dataset[index]
    try:
        image = sample.read_image()
    except ImageError as error:
        return error
    view = run.protocols[0].view
    labels = tuple(read_labels(run.dataset, sample, protocol, image.shape[:2]) for protocol in run.protocols)
    return Prepared(sample.id, view.image(image), labels)


def skipped(run: Run, protocol: Protocol) -> list[str]:
    """Why each photograph that a finished run left out was left out."""
    alone = Run(run.discoverer, (protocol,), run.seed, run.dataset, run.indices, run.out)
    measured = run.measured(protocol)
    results = (prepare(alone, index) for index in run.indices if index not in measured)
    return [str(r) if isinstance(r, ImageError) else str(r.labels[0]) for r in results]


def _measured(
    run: Run, todo: Iterable[int], batch_size: int, on_error: OnError, advance: Callable[[], None]
) -> Iterator[tuple[Prepared, tuple[Measured | None, ...]]]:
    waiting: deque[Prepared] = deque()

    def images(pool: ThreadPoolExecutor) -> Iterator[RGBImage]:
        for prepared in map_ahead(pool, lambda index: prepare(run, index), todo, ahead=_AHEAD):
            if on_error == "stop":
                _stop_at_fault(prepared)
            if isinstance(prepared, Prepared) and any(
                isinstance(labels, Labels) for labels in prepared.labels
            ):
                waiting.append(prepared)
                yield prepared.image
            else:
                advance()

    with worker_pool() as pool:
        found = run.discoverer.stream(images(pool), batch_size=batch_size, seed=run.seed)
        pairs = ((discovery, waiting.popleft()) for discovery in found)
        measure_pair = lambda pair: (pair[1], _measure_one(run.protocols, *pair))  # noqa: E731
        yield from map_ahead(pool, measure_pair, pairs, ahead=_AHEAD)


def _measure_one(
    protocols: Sequence[Protocol], found: Discovery, prepared: Prepared
) -> tuple[Measured | None, ...]:
    return tuple(
        protocol.measure(found, labels) if isinstance(labels, Labels) else None
        for protocol, labels in zip(protocols, prepared.labels, strict=True)
    )


def _todo(run: Run, process: Process, done: set[int], advance: Callable[[], None]) -> Iterator[int]:
    for index in run.indices[process.rank :: process.count]:
        if index in done:
            advance()
        else:
            yield index


def read_labels(
    dataset: Dataset, sample: Sample, protocol: Protocol, size: tuple[int, int]
) -> Labels | DatasetError:
    """What a protocol holds its view of a photograph of this (height, width) against; or why it cannot."""
    kinds = protocol.needs | (protocol.welcomes & dataset.label_kinds)
    try:
        return protocol.view.labels(sample.read_labels(kinds), size)
    except DatasetError as error:
        return error


def _stop_at_fault(prepared: Prepared | ImageError) -> None:
    if isinstance(prepared, ImageError):
        raise prepared
    for labels in prepared.labels:
        if isinstance(labels, DatasetError):
            raise labels
