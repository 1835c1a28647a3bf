"""Two things timed in turn: A B A B …, so that a machine whose speed drifts slows both alike."""

import gc
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Work = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """What came of a comparison.

    Attributes:
        what: The thing and what it stands beside.
        units: What one run of either does, such as photographs; rates are units a second.
        seconds: Of the thing, median.
        other_seconds: Of what it stands beside, median.
        ratios: Speed of the thing relative to the other, for every pair of runs.
    """

    what: str
    units: int
    seconds: float
    other_seconds: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)


def compare(what: str, work: Work, other: Work, *, units: int, rounds: int = 5) -> Pair:
    """Time two things in turn, after one uncounted run of each."""
    work()
    other()
    times = [(_seconds(work), _seconds(other)) for _ in range(rounds)]
    seconds, other_seconds = (statistics.median(column) for column in zip(*times, strict=True))
    return Pair(what, units, seconds, other_seconds, tuple(b / a for a, b in times))


def hardware() -> str:
    """The machine, in a line."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}"


def _processor() -> str:
    with open("/proc/cpuinfo") as lines:  # noqa: PTH123
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _seconds(work: Work) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start
