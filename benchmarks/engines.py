"""Photographs on a local Ray cluster of two workers, against two plain processes: ``python -m benchmarks.engines``.

Either is `slotlight discover` with the embedded model, everything written, in turn; a worker has one thread. Both look
at a few photographs and at many, and what the others take is counted: how long a cluster takes to start is its own
matter. It needs ``pip install 'slotlight[ray]'``, and two cores that nothing else uses.
"""

import argparse
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.costs import cost_of, link_photographs
from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

ENGINES = {"two processes": ("--workers", "2"), "Ray": ("--ray", "local")}


def rate(sources: Sequence[Path], few: int, many: int, *options: str) -> float:
    """Photographs a second, without the start."""
    seconds = []
    for count in (few, many):
        with TemporaryDirectory() as folder:
            made = link_photographs(sources, Path(folder) / "photographs", count)
            seconds.append(cost_of(made, *options).seconds)
    return (many - few) / (seconds[1] - seconds[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.engines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--few", type=int, default=64)
    parser.add_argument("--many", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    chosen = parser.parse_args()
    sources = find_photographs([chosen.source]) if chosen.source else photographs()
    os.environ["OMP_NUM_THREADS"] = "1"  # Ray gives an actor as many cores as the driver has threads
    console = Console()
    console.print(f"{hardware()}, load {os.getloadavg()[0]:.1f}")
    ratios = []
    for _ in range(chosen.rounds):
        plain, ray = (
            rate(sources, chosen.few, chosen.many, "--model", chosen.model, *options)
            for options in ENGINES.values()
        )
        ratios.append(ray / plain)
        console.print(f"two processes {plain:.2f}, Ray {ray:.2f} photographs a second")
    console.print(
        f"Ray has {statistics.median(ratios):.2f} of the speed ({min(ratios):.2f} - {max(ratios):.2f}); load "
        f"{os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
