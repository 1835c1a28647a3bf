"""How time and memory grow with the number of photographs: ``python -m benchmarks.folders 10 100 1000 10000``.

Every folder is a process of its own, `slotlight discover` with the embedded model, everything written; its peak memory
is what the system says of it. A folder of photographs to take from may be named with ``--from``; else scikit-image's
are copied, or with ``--drawn`` small ones of 64×48 pixels are drawn, each another. What follows ``--`` goes to
`slotlight discover`. Writes out/folders.json and out/folders.png.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks.costs import Cost, cost_of, draw_photographs, link_photographs
from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

RESULTS = Path("out/folders.json")


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
    place = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, options = sys.argv[1:place], sys.argv[place + 1 :]
    parser = argparse.ArgumentParser(prog="benchmarks.folders", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("counts", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--drawn", action="store_true", help="draw small photographs, each another")
    chosen = parser.parse_args(arguments)
    console = Console()
    columns = ("photographs", "seconds", "photographs/s", "CPU ms each", "peak memory, MB", "times the first")
    table = Table(*columns)
    console.print(hardware())
    costs: list[Cost] = []
    for count in chosen.counts:
        with TemporaryDirectory() as folder:
            made = Path(folder) / "photographs"
            if chosen.drawn:
                draw_photographs(made, count)
            else:
                sources = find_photographs([chosen.source]) if chosen.source else photographs()
                link_photographs(sources, made, count)
            costs.append(one := cost_of(made, *options))
        speed, cpu = count / one.seconds, 1e3 * one.cpu_seconds / count
        growth = one.peak_mb / costs[0].peak_mb
        table.add_row(
            *(f"{count:,}", f"{one.seconds:.1f}", f"{speed:.1f}", f"{cpu:.1f}"),
            *(f"{one.peak_mb:,.0f}", f"{growth:.2f}"),
        )
        measured = {"options": options, "cores": _cores(), "load": os.getloadavg()}
        _write({**measured, "costs": [asdict(one) for one in costs]})
    console.print(table)
    plot(costs, RESULTS.with_suffix(".png"))
    console.print(
        f"load of the machine {os.getloadavg()[0]:.1f}; written to {RESULTS} and {RESULTS.with_suffix('.png')}"
    )


def _cores() -> int:
    """That this process and those that it starts may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write(found: Mapping[str, object]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"hardware": hardware(), **found}, indent=2))


if __name__ == "__main__":
    main()
