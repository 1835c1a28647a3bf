"""``slotlight discover``: photographs → a folder of objects."""

import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import EMBEDDED, FormatConfig, ObjectRule, RunConfig, ScaleConfig
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
    formats: OmitArgPrefixes[FormatConfig] = FormatConfig(),  # noqa: B008
    max_pixels: int | None = None,
    overlays: bool = True,
    masks: bool = True,
    scale: OmitArgPrefixes[ScaleConfig] = ScaleConfig(),  # noqa: B008
    start_over: bool = False,
) -> int:
    """Find the objects in photographs and write boxes, masks and pictures.

    Writes OUT/objects.json (COCO) or what --format names, OUT/masks/ (label maps; 0 is background), OUT/overlays/
    (pictures to look at) and OUT/failures.json. The same command, run again, resumes where it stopped and processes
    only photographs that are new or have changed. Exit status: 0 all done, 1 some photographs failed (each is named),
    2 incorrect usage.

    Args:
        paths: Photographs, folders (searched recursively) or "globs"; s3://, gs:// or https:// URLs; lists (.txt),
            manifests (.csv), archives (.tar) and Parquet files: see docs/scale.md.
        out: The folder to write to: a new or empty one, or that of an earlier run.
        samples: Use the sample photographs that come with scikit-image.
        model: embedded, a folder that `slotlight train` wrote, a file that `slotlight export` wrote, or a baseline (see
            `slotlight models`).
        weights: A local file with the backbone's weights.
        run: How the model is run.
        rule: What counts as an object.
        formats: Formats of the results.
        max_pixels: Photographs with more pixels are named and left out, to limit memory.
        overlays: Draw the pictures.
        masks: Write the label maps; objects.json holds the masks as well.
        scale: Parts of a run, and several processes.
        start_over: Delete the results of an earlier run in OUT first.
    """
    from rich.console import Console

    from slotlight.discovery.pictures import discover_entries
    from slotlight.discovery.results import ResultFolder
    from slotlight.discovery.samples import sample_photographs
    from slotlight.discovery.shards import Shard
    from slotlight.graphs.running import GraphDiscoverer
    from slotlight.images import Located, set_max_pixels, survey_sources
    from slotlight.loading import load
    from slotlight.progress import ProgressReport

    if not paths and not samples:
        raise SlotlightError("No photographs were given: name photographs or folders, or pass --samples.")
    shard = Shard.parse(scale.shard) if scale.shard else None
    if max_pixels is not None:
        set_max_pixels(max_pixels)
    survey = survey_sources(paths)
    photographs = survey.photographs + (
        [Located.at(path) for path in sample_photographs()] if samples else []
    )
    load_model = partial(load, model, weights=weights, device=run.device, precision=run.precision, rule=rule)
    discoverer = load_model()
    if (scale.workers > 1 or scale.ray) and isinstance(discoverer, GraphDiscoverer):
        raise SlotlightError(
            f"{model} uses all cores by itself in ONNX Runtime; leave --workers and --ray out."
        )
    identity = {"model": discoverer.name, "fingerprint": discoverer.fingerprint(), "seed": run.seed}
    folder = ResultFolder(
        out,
        photographs,
        identity | asdict(discoverer.rule),
        formats=formats,
        overlays=overlays,
        masks=masks,
        shard=shard,
        retry_failed=scale.retry_failed,
        start_over=start_over,
    )
    left_out = survey.left_out
    del photographs, survey  # a run of millions holds the folder's entries and nothing beside them
    rows: list[tuple[str, int, float]] = []
    console = Console()
    workers = min(scale.workers, len(folder.left))
    try:
        if scale.ray:
            from slotlight.discovery.workers import Work, threads_each
            from slotlight.integrations.ray import discover_on_ray

            gpu = run.device != "cpu"
            work = Work(load_model, folder.pictures, run.batch_size, run.seed, threads_each(1), gpu)
            lines = discover_on_ray(work, folder.left, scale.ray)
        elif workers > 1:
            from slotlight.discovery.workers import Work, discover_in_workers, threads_each

            work = Work(load_model, folder.pictures, run.batch_size, run.seed, threads_each(workers))
            lines = discover_in_workers(work, folder.left, workers)
        else:
            lines = discover_entries(
                discoverer, folder.left, folder.pictures, batch_size=run.batch_size, seed=run.seed
            )
        with ProgressReport("finding objects", len(folder.left)) as progress:
            for line in folder.take(lines):
                if len(rows) < _SHOWN and not line.cause:
                    best = max((annotation["score"] for annotation in line.annotations), default=0.0)
                    rows.append((PurePosixPath(line.file).name, len(line.annotations), best))
                progress.advance()
        folder.finish()
        failed = sum(1 for _ in folder.failures())
    finally:
        folder.close()
    done = len(folder.entries) - failed
    new = len(folder.left) - (failed - folder.failed_before)
    with suppress(OSError):  # everything is written; a terminal that takes no more changes nothing
        _print_summary(console, rows, new, done - new, out, formats)
    for sentence in left_out:
        print(f"left out: {printable(sentence)}", file=sys.stderr)
    for line in folder.failures():
        print(f"failed: {line.cause}", file=sys.stderr)
    if folder.failed_before:
        print(
            f"{folder.failed_before} of them failed before; --retry-failed tries them again.", file=sys.stderr
        )
    return SOME_FAILED if failed else 0


def _print_summary(
    console: "Console",
    rows: list[tuple[str, int, float]],
    done: int,
    before: int,
    out: Path,
    formats: FormatConfig,
) -> None:
    from rich.table import Table
    from rich.text import Text

    from slotlight.formats.registry import FORMATS

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
    objects = ", ".join(str(out / FORMATS[name].output) for name in formats.format)
    where = f"pictures in {out / 'overlays'}, objects in {objects}"
    total = done + before
    console.print(Text(f"{total} photograph{'' if total == 1 else 's'}{earlier}: {where}"))
