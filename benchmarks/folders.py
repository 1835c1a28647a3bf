"""How time and memory grow with the number of photographs: ``python -m benchmarks.folders 10 100 1000 10000``.

Every folder is a process of its own, `slotlight discover` with the embedded model, everything written; its peak memory
is what the system says of it. A folder of photographs to take from may be named with ``--from``; else scikit-image's
are copied. Writes out/folders.json and out/folders.png.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

RESULTS = Path("out/folders.json")


@dataclass(frozen=True)
class Cost:
    """What one folder takes, from the start of the process to its end."""

    photographs: int
    seconds: float
    peak_mb: float


def measure(sources: Sequence[Path], count: int) -> Cost:
    """`slotlight discover` of a folder of ``count`` links to the sources, taken in turn."""
    with TemporaryDirectory() as folder:
        made = Path(folder) / "photographs"
        made.mkdir()
        for number, source in enumerate(islice(cycle(sources), count)):
            (made / f"{number:06}{source.suffix}").symlink_to(source.resolve())
        arguments = ["-m", "slotlight", "discover", str(made), "--out", str(Path(folder) / "found")]
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        sys.exit(f"`slotlight discover` failed on {count} photographs.")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    return Cost(count, seconds, usage.ru_maxrss / unit)


def plot(costs: Sequence[Cost], path: Path) -> None:
    """Seconds and peak memory against the number of photographs."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    counts = [cost.photographs for cost in costs]
    for axes, name, values in zip(
        figure.subplots(1, 2),
        ("seconds, from cold", "peak memory, MB"),
        ([cost.seconds for cost in costs], [cost.peak_mb for cost in costs]),
        strict=True,
    ):
        axes.plot(counts, values, marker="o")
        axes.set(xlabel="photographs", title=name, xscale="log", ylim=(0, None))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.folders", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("counts", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--from", dest="source", type=Path)
    chosen = parser.parse_args()
    sources = find_photographs([chosen.source]) if chosen.source else photographs()
    console, table = Console(), Table("photographs", "seconds", "photographs/s", "peak memory, MB")
    console.print(hardware())
    costs = []
    for count in chosen.counts:
        cost = measure(sources, count)
        costs.append(cost)
        table.add_row(
            f"{count:,}", f"{cost.seconds:.1f}", f"{count / cost.seconds:.1f}", f"{cost.peak_mb:,.0f}"
        )
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"hardware": hardware(), "costs": [asdict(c) for c in costs]}, indent=2))
    plot(costs, RESULTS.with_suffix(".png"))
    console.print(f"written to {RESULTS} and {RESULTS.with_suffix('.png')}")


if __name__ == "__main__":
    main()
