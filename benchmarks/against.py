"""`discover` of this checkout beside another's, in turn: ``python -m benchmarks.against OTHER --from PHOTOS``.

Each run is a process of its own that looks at a few photographs uncounted, and then at a number of them as
`slotlight discover` does: from loading the embedded model to everything written. Processor time (user and system, all
threads) stands beside time on the clock, because other work on the machine hardly disturbs it. What the two write is
compared, too: the share of pixels whose label is the same.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from rich.console import Console

from benchmarks.timing import hardware
from slotlight.images import find_photographs

WARM_UP = 16
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from slotlight.cli.discover import discover

def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime

out, warm_up, *paths = sys.argv[1:]
discover(tuple(paths[:int(warm_up)]), out=Path(out) / "warm")
before = now()
discover(tuple(paths[int(warm_up):]), out=Path(out) / "found")
print(json.dumps([b - a for a, b in zip(before, now())]))
"""


def run(checkout: Path, paths: Sequence[Path], out: Path) -> tuple[float, float]:
    """Seconds on the clock and of processor time."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, "-c", PROGRAM, str(out), str(WARM_UP), *map(str, paths)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    clock, processor = json.loads(done.stdout.splitlines()[-1])
    return clock, processor


def same_labels(one: Path, other: Path) -> list[float]:
    """For each label map, the share of pixels that are the same in both."""
    shares = []
    for path in sorted((one / "masks").rglob("*.png")):
        first, second = (np.asarray(Image.open(folder / path.relative_to(one))) for folder in (one, other))
        shares.append(float((first == second).mean()))
    return shares


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.against", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    paths = find_photographs([chosen.source])[: chosen.count + WARM_UP]
    count, console, here = len(paths) - WARM_UP, Console(), Path(__file__).parents[1]
    console.print(hardware())
    times, equal = [], list[float]()
    for _ in range(chosen.rounds):
        with TemporaryDirectory() as folder:
            one, other = Path(folder) / "one", Path(folder) / "other"
            times.append((run(here, paths, one), run(chosen.other, paths, other)))
            equal = same_labels(one / "found", other / "found")
    for place, what in enumerate(("the clock", "processor time")):
        ours, theirs = ([pair[side][place] for pair in times] for side in (0, 1))
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        console.print(
            f"{what}: {1e3 * statistics.median(ours) / count:.1f} ms a photograph, the other "
            f"{1e3 * statistics.median(theirs) / count:.1f}: {statistics.median(ratios):.2f} times "
            f"({min(ratios):.2f} - {max(ratios):.2f}), {chosen.rounds} rounds of {count}"
        )
    same = sum(share == 1 for share in equal)
    console.print(
        f"{same} of {count} label maps are the same; {1 - statistics.fmean(equal):.2e} of all pixels differ"
    )


if __name__ == "__main__":
    main()
