"""Photographs on a local Ray cluster of two workers, against two plain processes: ``python -m benchmarks.engines``.

Either is `slotlight discover` with the embedded model, everything written, in turn; a worker has one thread. Counted is
the time from the first photographs in a run's record to the last: how long a cluster takes to start is its own matter.
It needs ``pip install 'slotlight[ray]'``.
"""

import argparse
import os
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.costs import Cost, cost_of, link_photographs
from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

ENGINES = {"two processes": ("--workers", "2"), "Ray": ("--ray", "local")}


def rates(cost: Cost) -> tuple[float, float]:
    """Photographs a second, of the clock and of processor time."""
    (begin, cpu_begin, few), *_, (end, cpu_end, many) = cost.progress
    return (many - few) / (end - begin), (many - few) / (cpu_end - cpu_begin)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.engines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    chosen = parser.parse_args()
    sources = find_photographs([chosen.source]) if chosen.source else photographs()
    os.environ["OMP_NUM_THREADS"] = "1"  # Ray gives an actor as many cores as the driver has threads
    console = Console()
    console.print(f"{hardware()}, load {os.getloadavg()[0]:.1f}")
    ratios = []
    for _ in range(chosen.rounds):
        found = {}
        for name, options in ENGINES.items():
            with TemporaryDirectory() as folder:
                made = link_photographs(sources, Path(folder) / "photographs", chosen.count)
                found[name] = rates(cost_of(made, "--model", chosen.model, *options))
            clock, cpu = found[name]
            console.print(f"{name}: {clock:.2f} photographs a second, {cpu:.2f} a second of processor time")
        plain, ray = found.values()
        ratios.append((ray[0] / plain[0], ray[1] / plain[1]))
    for place, name in enumerate(("the clock", "processor time")):
        each = [ratio[place] for ratio in ratios]
        console.print(
            f"{name}: Ray has {statistics.median(each):.2f} of the speed ({min(each):.2f} - {max(each):.2f})"
        )


if __name__ == "__main__":
    main()
