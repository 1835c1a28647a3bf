"""``slotlight merge``: the shards of a run → one folder of results."""

from pathlib import Path

from rich.console import Console
from rich.text import Text
from tyro.conf import Positional


def merge(shards: Positional[tuple[Path, ...]], *, out: Path, start_over: bool = False) -> int:
    """Put the shards of a run together: the result is byte for byte that of one run.

    Exit status: 0 all done, 1 some photographs failed (OUT/failures.json names them), 2 incorrect usage.

    Args:
        shards: The folders that `slotlight discover --shard` wrote, in any order.
        out: The folder to write to: a new or empty one, or one of an earlier merge.
        start_over: Delete the results of an earlier run in OUT first.
    """
    from slotlight.discovery.merging import merge_shards

    merged = merge_shards(shards, out, start_over=start_over)
    failed = f", {merged.failures} of them failed (see {out / 'failures.json'})" if merged.failures else ""
    Console().print(Text(f"{merged.photographs} photographs{failed}: objects in {out}"), soft_wrap=True)
    return 1 if merged.failures else 0
