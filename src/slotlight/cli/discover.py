"""``slotlight discover``: photographs → a folder of objects."""

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import EMBEDDED, ObjectRule, RunConfig
from slotlight.errors import SlotlightError, printable

if TYPE_CHECKING:
    from rich.console import Console

SOME_FAILED = 1
_SHOWN = 20  # rows of the table of photographs


def discover(
    paths: Positional[tuple[str, ...]] = (),
    *,
    out: Path,
    samples: bool = False,
    model: str = EMBEDDED,
    weights: Path | None = None,
    run: OmitArgPrefixes[RunConfig] = RunConfig(),  # noqa: B008
    rule: OmitArgPrefixes[ObjectRule] = ObjectRule(),  # noqa: B008
    max_pixels: int | None = None,
    overlays: bool = True,
    start_over: bool = False,
) -> int:
    """Find the objects in photographs and write boxes, masks and pictures.

    Writes OUT/objects.json (COCO), OUT/masks/ (label maps; 0 is no object), OUT/overlays/ (pictures to look at)
    and OUT/failures.json. The same command, started again, goes on where it was stopped, and looks only at photographs
    that are new or have changed. Exit status: 0 all done, 1 some photographs failed (each is named), 2 wrong use.

    Args:
        paths: Photographs, folders (searched through) or "globs".
        out: The folder to write to: a new or empty one, or one of an earlier run.
        samples: Use the sample photographs that come with scikit-image.
        model: embedded, a folder that `slotlight train` wrote, or a baseline (see `slotlight models`).
        weights: A local file with the backbone's weights.
        run: How the model is run.
        rule: What counts as an object.
        max_pixels: Photographs of more pixels are named and left out; a limit on memory.
        overlays: Draw the pictures.
        start_over: Delete what another run wrote to OUT, and begin anew.
    """
    from rich.console import Console
    from rich.progress import track

    from slotlight.discovery.results import ResultFolder
    from slotlight.discovery.samples import sample_photographs
    from slotlight.images import set_max_pixels, survey_photographs
    from slotlight.loading import load

    if not paths and not samples:
        raise SlotlightError("Nothing to look at: name photographs or folders, or pass --samples.")
    if max_pixels is not None:
        set_max_pixels(max_pixels)
    survey = survey_photographs(paths)
    photographs = survey.photographs + (sample_photographs() if samples else [])
    discoverer = load(model, weights=weights, device=run.device, precision=run.precision, rule=rule)
    identity = {"model": discoverer.name, "fingerprint": discoverer.segmenter.fingerprint(), "seed": run.seed}
    folder = ResultFolder(out, photographs, identity | asdict(rule), overlays=overlays, start_over=start_over)
    failures: list[tuple[Path, str]] = []
    rows: list[tuple[str, int, float]] = []
    console = Console()
    try:
        left = [path for path in photographs if path not in folder.done]
        found = discoverer.stream(
            left,
            batch_size=run.batch_size,
            seed=run.seed,
            on_error=lambda source, fault: failures.append((Path(str(source)), str(fault))),
        )
        quiet = not console.is_terminal
        for discovery in track(found, "Finding objects", len(left), console=console, disable=quiet):
            folder.add(discovery)
            if len(rows) < _SHOWN and discovery.path:
                rows.append((discovery.path.name, len(discovery), float(max(discovery.scores, default=0.0))))
        folder.finish(failures)
    finally:
        folder.close()
    with suppress(OSError):  # everything is written; a terminal that takes no more changes nothing
        _print_summary(console, rows, len(left) - len(failures), len(folder.done), out)
    for sentence in survey.left_out:
        print(f"left out: {printable(sentence)}", file=sys.stderr)
    for _, cause in failures:
        print(f"failed: {cause}", file=sys.stderr)
    return SOME_FAILED if failures else 0


def _print_summary(
    console: "Console", rows: list[tuple[str, int, float]], done: int, before: int, out: Path
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("photograph")
    table.add_column("objects", justify="right")
    table.add_column("best score", justify="right")
    for name, count, best in rows:  # a name may look like markup
        table.add_row(Text(printable(name)), str(count), f"{best:.2f}" if count else "-")
    if rows:
        console.print(table)
    if done > len(rows):
        console.print(f"... and {done - len(rows)} more")
    earlier = f" ({before} of them in an earlier run)" if before else ""
    where = f"pictures in {out / 'overlays'}, objects in {out / 'objects.json'}"
    total = done + before
    console.print(Text(f"{total} photograph{'' if total == 1 else 's'}{earlier}: {where}"))
