"""``make bench``: run every benchmark (or those that are named), print a table, write JSON."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import evaluation, inference, parts, training
from benchmarks.timing import Pair, hardware

BENCHMARKS = {"parts": parts, "training": training, "inference": inference, "evaluation": evaluation}
RESULTS = Path("out/bench.json")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; valid: {', '.join(BENCHMARKS)}.")
    console = Console()
    console.print(hardware())
    table = Table("what", "units/s", "beside it", "times as fast (least - most)")
    pairs: list[Pair] = []
    for name in names or BENCHMARKS:
        with console.status(f"timing {name}"):
            for pair in BENCHMARKS[name].run():
                pairs.append(pair)
                spread = f"{pair.ratio:.2f} ({min(pair.ratios):.2f} - {max(pair.ratios):.2f})"
                rates = (f"{pair.units / s:.1f}" for s in (pair.seconds, pair.other_seconds))
                table.add_row(pair.what, *rates, spread)
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"hardware": hardware(), "pairs": [asdict(p) for p in pairs]}, indent=2))
    console.print(f"written to {RESULTS}")


main(sys.argv[1:])
