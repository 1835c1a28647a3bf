"""What a photograph costs, and what follows for any number: ``python -m benchmarks.scale 20 120 --from PHOTOS``.

`slotlight discover` looks at two numbers of photographs, everything written, once as COCO and once as Parquet; the
difference is what photographs cost without the start of the process. Writes out/scale.json.
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

from rich.console import Console
from rich.table import Table

from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.images import find_photographs

RESULTS = Path("out/scale.json")
SIZES = (10**6, 10**8, 10**9)


@dataclass(frozen=True)
class Cost:
    """What some photographs take.

    Attributes:
        photographs: How many they are.
        seconds: From the start of the process to its end.
        cpu_seconds: Of all its threads.
        bytes_in: Of the photographs' files.
        bytes_out: By what is written.
    """

    photographs: int
    seconds: float
    cpu_seconds: float
    bytes_in: int
    bytes_out: dict[str, int]


def measure(sources: Sequence[Path], count: int, *options: str) -> Cost:
    """`slotlight discover` of so many links to the sources, taken in turn."""
    with TemporaryDirectory() as folder:
        made, found = Path(folder) / "photographs", Path(folder) / "found"
        made.mkdir()
        taken = list(islice(cycle(sources), count))
        for number, source in enumerate(taken):
            (made / f"{number:06}{source.suffix}").symlink_to(source.resolve())
        start = time.perf_counter()
        command = [sys.executable, "-m", "slotlight", "discover", str(made), "--out", str(found), *options]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            sys.exit(f"`slotlight discover` failed on {count} photographs.")
        written = {name: _size(found / name) for name in ("masks", "overlays", "objects.json", "objects")}
        written["record"] = _size(found / ".progress.jsonl")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(count, seconds, cpu, sum(source.stat().st_size for source in taken), written)


def _size(path: Path) -> int:
    """Bytes of a file or of all files below a folder; 0 where there is none."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


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
