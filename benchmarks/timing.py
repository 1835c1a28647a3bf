"""Two things timed in turn: A B A B …, so that a machine whose speed drifts slows both alike."""

import gc
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from slotlight.devices import processor_name

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Pair:
    """What came of a comparison.

    Attributes:
        what: The thing and what it stands beside.
        units: What one run of the thing does, such as photographs; rates are units a second.
        other_units: What one run of the other does.
        seconds: Of the thing, median.
        other_seconds: Of what it stands beside, median.
        ratios: Speed of the thing relative to the other, for every pair of runs.
    """

    what: str
    units: float
    other_units: float
    seconds: float
    other_seconds: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)


def compare(
    what: str,
    work: Work,
    other: Work,
    *,
    units: float,
    other_units: float | None = None,
    rounds: int = 5,
    clock: Clock = time.perf_counter,
) -> Pair:
    """Time two things in turn, after one uncounted run of each; they do equally much unless told otherwise."""
    other_units = other_units or units
    work()
    other()
    times = [(seconds(work, clock), seconds(other, clock)) for _ in range(rounds)]
    typical, other_typical = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = tuple((units / a) / (other_units / b) for a, b in times)
    return Pair(what, units, other_units, typical, other_typical, ratios)


def hardware() -> str:
    """The machine, in a line."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()
    return f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}"


def seconds(work: Work, clock: Clock = time.perf_counter) -> float:
    """Of one run; ``time.process_time`` leaves out other processes."""
    gc.collect()
    start = clock()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clock() - start
