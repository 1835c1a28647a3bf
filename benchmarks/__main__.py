"""``make bench``: run every benchmark (or those that are named), print a table, write JSON.

Alone: ``growth`` draws plots, ``peers`` runs other tools.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cache, cold_start, evaluation, growth, inference, parts, peers, store, training
from benchmarks.timing import Pair, hardware

BENCHMARKS = {
    "parts": parts,
    "training": training,
    "cache": cache,
    "inference": inference,
    "cold_start": cold_start,
    "evaluation": evaluation,
    "store": store,
}
RESULTS = Path("out/bench.json")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    if names == ["growth"]:
        return growth.main()
    if names[:1] == ["peers"]:
        return peers.main(names[1:])
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(
            f"There is no benchmark {', '.join(unknown)}; valid: {', '.join(BENCHMARKS)}; or growth or peers alone."
        )
    console = Console()
    console.print(hardware())
    table = Table("what", "units/s", "beside it", "times as fast (least - most)")
    pairs: list[Pair] = []
    for name in names or BENCHMARKS:
        with console.status(f"timing {name}"):
            for pair in BENCHMARKS[name].run():
                pairs.append(pair)
                spread = f"{pair.ratio:.2f} ({min(pair.ratios):.2f} - {max(pair.ratios):.2f})"
                done = (pair.units / pair.seconds, pair.other_units / pair.other_seconds)
                rates = (f"{rate:,.1f}" for rate in done)
                table.add_row(pair.what, *rates, spread)
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"hardware": hardware(), "pairs": [asdict(p) for p in pairs]}, indent=2))
    return console.print(f"written to {RESULTS}")


if __name__ == "__main__":  # growth's processes import this file
    main(sys.argv[1:])
