"""One model over the photographs: whatever is not yet on disk is measured and kept, in constant memory.

Reading and measuring run in threads beside the model. Protocols that show a model the same view of a photograph share
the model's work. A photograph travels with its labels as one tagged item, so none can be held against another's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

from slotlight.datasets import Dataset, Labels
from slotlight.discovery.discoverer import Discoverer, Tagged
from slotlight.discovery.discovery import Discovery
from slotlight.errors import SlotlightError
from slotlight.evaluation.identity import PhotographKey
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.processes import Processes
from slotlight.evaluation.protocols import Protocol
from slotlight.evaluation.store import Shard
from slotlight.images import RGBImage
from slotlight.parallel import WORKERS, map_ahead, worker_pool


@dataclass(frozen=True)
class Photographs:
    """The photographs that are asked for, in order.

    Attributes:
        dataset: Where they are.
        keys: Of the dataset's first photographs.
        faults: By protocol and place, why a photograph cannot be measured, as far as it was found out in this
            evaluation: no other model or seed tries it again.
    """

    dataset: Dataset
    keys: Sequence[PhotographKey]
    faults: dict[str, dict[int, str]] = field(default_factory=dict)

    def fault(self, protocol: Protocol, index: int) -> str | None:
        """Why a photograph cannot be measured under a protocol, if that is known."""
        return self.faults.get(protocol.name, {}).get(index)


@dataclass(frozen=True)
class Run:
    """One model on one view of the photographs with one seed.

    Attributes:
        discoverer: The model.
        seed: Of the model's noise.
        shards: Where the values of each of the view's protocols are kept.
    """

    discoverer: Discoverer
    seed: int
    shards: dict[Protocol, Shard]

    def values(self, protocol: Protocol, photographs: Photographs) -> dict[int, Measured]:
        """What was measured, by the photographs' places."""
        found = ((index, self.shards[protocol].find(key)) for index, key in enumerate(photographs.keys))
        return {index: measured for index, measured in found if measured is not None}


@dataclass(frozen=True)
class Prepared:
    """A photograph as a model is shown it, and what that is compared with.

    Attributes:
        index: Its place in the dataset.
        image: The view; None if it cannot be read.
        labels: Under each protocol that still needs it.
        faults: Why it cannot be measured under the others.
    """

    index: int
    image: RGBImage | None
    labels: dict[Protocol, Labels]
    faults: dict[Protocol, SlotlightError]


def left_out(protocol: Protocol, runs: Sequence[Run], photographs: Photographs) -> dict[int, str]:
    """Why each photograph that some run has no values of has none, by place."""
    causes = {}
    for index, key in enumerate(photographs.keys):
        if any(run.shards[protocol].find(key) is None for run in runs):
            known = (photographs.fault(protocol, index), *(run.shards[protocol].cause(key) for run in runs))
            causes[index] = next(filter(None, known), f"{key.id} was not measured.")
    return causes


def by_view(protocols: Iterable[Protocol]) -> list[tuple[Protocol, ...]]:
    """Protocols in groups that share a view."""
    ordered = sorted(protocols, key=lambda p: p.view.resolution)
    return [tuple(group) for _, group in groupby(ordered, key=lambda p: p.view.resolution)]


def measure(
    run: Run,
    photographs: Photographs,
    options: EvaluationOptions,
    processes: Processes,
    advance: Callable[[], None],
) -> None:
    """Measure this process's share of the photographs, but for what is measured already, and keep the values.

    Args:
        run: What to measure.
        photographs: All photographs; faults found on the way are added to it.
        options: How.
        processes: Those that share the work; each takes every ``world_size``-th photograph.
        advance: Called after each photograph, whatever became of it.

    Raises:
        SlotlightError: A photograph or label cannot be used, and the options say ``stop``.
    """
    share = range(processes.global_rank, len(photographs.keys), processes.world_size)
    with worker_pool() as pool, ExitStack() as stack:
        for shard in run.shards.values():
            stack.callback(shard.close)
        wanted = _wanted(run, photographs, share, advance)
        prepared = map_ahead(pool, lambda item: prepare(photographs.dataset, *item), wanted, ahead=WORKERS)
        usable = _without_faults(run, photographs, prepared, options, advance)
        found = run.discoverer.stream(usable, batch_size=options.batch_size, seed=run.seed)
        for index, measured in map_ahead(pool, _measure_one, found, ahead=WORKERS):
            for protocol, values in measured.items():
                run.shards[protocol].write(photographs.keys[index], values)
            advance()


def prepare(dataset: Dataset, index: int, protocols: Sequence[Protocol]) -> Prepared:
    """Read a photograph and its labels as protocols of one view want them."""
    sample = dataset[index]
    try:
        image = sample.read_image()
    except SlotlightError as fault:
        return Prepared(index, None, {}, dict.fromkeys(protocols, fault))
    labels, faults = {}, {}
    for protocol in protocols:
        try:
            labels[protocol] = protocol.read_labels(dataset, sample, image.shape[:2])
        except SlotlightError as fault:
            faults[protocol] = fault
    return Prepared(index, protocols[0].view.image(image), labels, faults)


def _wanted(
    run: Run, photographs: Photographs, share: range, advance: Callable[[], None]
) -> Iterator[tuple[int, list[Protocol]]]:
    """Photographs of the share with the protocols under which they are still to be measured."""
    for index in share:
        key = photographs.keys[index]
        protocols = [
            protocol
            for protocol, shard in run.shards.items()
            if shard.find(key) is None and photographs.fault(protocol, index) is None
        ]
        if protocols:
            yield index, protocols
        else:
            advance()


def _without_faults(
    run: Run,
    photographs: Photographs,
    prepared: Iterable[Prepared],
    options: EvaluationOptions,
    advance: Callable[[], None],
) -> Iterator[Tagged]:
    """Photographs that can be measured under some protocol; the faults of all are kept."""
    for one in prepared:
        for protocol, fault in one.faults.items():
            if options.on_error == "stop":
                raise fault
            photographs.faults.setdefault(protocol.name, {})[one.index] = str(fault)
            run.shards[protocol].leave_out(photographs.keys[one.index], str(fault))
        if one.image is not None and one.labels:
            yield Tagged(one.image, one)
        else:
            advance()


def _measure_one(found: Discovery) -> tuple[int, dict[Protocol, Measured]]:
    prepared = found.tag
    if not isinstance(prepared, Prepared):
        raise TypeError("a discovery has lost the tag of its photograph")
    measured = {protocol: protocol.measure(found, labels) for protocol, labels in prepared.labels.items()}
    return prepared.index, measured
