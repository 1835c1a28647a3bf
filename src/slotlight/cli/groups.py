"""``slotlight groups``: the objects of a discovery → groups that look alike, with names that a person gives."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import EMBEDDED, RunConfig
from slotlight.errors import ConfigError, printable

if TYPE_CHECKING:
    from slotlight.groups.run import Grouped

SOME_FAILED = 1


def groups(
    found: Positional[Path],
    *,
    out: Path,
    groups: int | None = None,
    model: str = EMBEDDED,
    weights: Path | None = None,
    run: OmitArgPrefixes[RunConfig] = RunConfig(),  # noqa: B008
    start_over: bool = False,
) -> int:
    """Group the objects of a finished `slotlight discover` that look alike, over the whole folder.

    Writes OUT/sheets/ (one contact sheet per group), OUT/names.csv (to edit) and OUT/grouped.json (COCO, with the
    names as categories). The same command, run again, keeps the groups and takes the names from names.csv: groups with
    the same name become one category; a group with an empty name is left out. Exit status: 0 all done, 1 some
    photographs could no longer be read (each is named), 2 incorrect usage.

    Args:
        found: The folder that `slotlight discover` wrote.
        out: The folder to write to: a new or empty one, or that of an earlier run.
        groups: How many groups; by default, the number with the best mean silhouette.
        model: The model whose backbone's features are compared: embedded, a folder that `slotlight train` wrote, or a
            method and a backbone such as tokencut@dino-vits16.
        weights: A local file with the backbone's weights.
        run: How the model is run; the seed is that of the clusters.
        start_over: Delete the results of an earlier run in OUT first.
    """
    from slotlight.groups.features import FeatureReader
    from slotlight.groups.found import FoundObjects
    from slotlight.groups.run import group_objects
    from slotlight.loading import load
    from slotlight.progress import ProgressReport

    if groups is not None and groups < 1:
        raise ConfigError(f"groups is {groups}; it must be at least 1.")
    objects = FoundObjects.of(found)
    segmenter = load(model, weights=weights, device=run.device, precision=run.precision).segmenter
    if segmenter.backbone is None:
        raise ConfigError(
            f"The model {model!r} does not read features; choose one with a backbone, such as {EMBEDDED}."
        )
    reader = FeatureReader(segmenter.backbone, segmenter.image_size, run.precision, run.batch_size)
    with ProgressReport("reading objects", len(objects.offsets)) as progress:
        grouped = group_objects(
            objects,
            out,
            reader,
            groups=groups,
            seed=run.seed,
            start_over=start_over,
            on_photograph=progress.update,
        )
    _print_summary(grouped, out)
    for cause in grouped.failures.values():
        print(f"failed: {printable(cause)}", file=sys.stderr)
    return SOME_FAILED if grouped.failures else 0


def _print_summary(grouped: "Grouped", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table()
    table.add_column("group", justify="right")
    table.add_column("name")
    table.add_column("objects", justify="right")
    for group, size in enumerate(grouped.sizes, start=1):  # a name may look like markup
        table.add_row(str(group), Text(printable(grouped.names[group]) or "(left out)"), str(size))
    console.print(table)
    where = f"look at {out / 'sheets'}, edit {out / 'names.csv'}, and run the same command again to rename"
    silhouette = "" if grouped.chosen_by is None else f" (mean silhouette {grouped.chosen_by:.2f})"
    total = f"{sum(grouped.sizes)} objects in {len(grouped.sizes)} groups{silhouette}"
    console.print(Text(f"{total}: {where}"), soft_wrap=True)
