"""What a photograph costs, and what follows for any number: ``python -m benchmarks.scale 20 120 --from PHOTOS``.

`slotlight discover` looks at two numbers of photographs, everything written, once as COCO and once as Parquet; the
difference is what photographs cost without the start of the process. Writes out/scale.json.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.costs import Cost, cost_of, link_photographs
from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

RESULTS = Path("out/scale.json")
SIZES = (10**6, 10**8, 10**9)


def measure(sources: Sequence[Path], count: int, *options: str) -> Cost:
    """`slotlight discover` of so many links to the sources, taken in turn."""
    with TemporaryDirectory() as folder:
        return cost_of(link_photographs(sources, Path(folder) / "photographs", count), *options)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("counts", type=int, nargs="*", default=[20, 120])
    parser.add_argument("--from", dest="source", type=Path)
    chosen = parser.parse_args()
    few, many = chosen.counts
    sources = find_photographs([chosen.source]) if chosen.source else photographs()
    console = Console()
    console.print(hardware())
    before, after = measure(sources, few), measure(sources, many)
    parquet = measure(sources, many, "--format", "parquet-blocks", "--no-masks", "--no-overlays")
    more = after.photographs - before.photographs
    cpu = (after.cpu_seconds - before.cpu_seconds) / more
    table = Table("of a photograph", "")
    table.add_row("CPU seconds", f"{cpu:.3f}")
    table.add_row("kB read", f"{after.bytes_in / many / 1e3:.1f}")
    for name, size in after.bytes_out.items():
        if name != "objects":
            table.add_row(f"kB written, {name}", f"{size / many / 1e3:.2f}")
    table.add_row("kB written, objects (Parquet)", f"{parquet.bytes_out['objects'] / many / 1e3:.2f}")
    for size in SIZES:
        table.add_row(f"core hours of {size:,} photographs", f"{cpu * size / 3600:,.0f}")
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    costs = {"before": asdict(before), "after": asdict(after), "parquet": asdict(parquet)}
    RESULTS.write_text(json.dumps({"hardware": hardware(), "load": os.getloadavg(), **costs}, indent=2))
    console.print(f"load of the machine {os.getloadavg()[0]:.1f}; written to {RESULTS}")


if __name__ == "__main__":
    main()
