"""A folder of objects → a folder of groups: ``grouped.json`` (COCO), ``names.csv``, ``sheets/``.

Features are recorded photograph by photograph, so a kill costs no more than a batch. Once the clusters are written they
stay: the same command, run again, only reads ``names.csv`` and writes ``grouped.json`` anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float

from slotlight.discovery.record import Line
from slotlight.errors import ImageError, OutputError
from slotlight.files import RESUMES, begin_run, digest, sealed, write_text, writing_to
from slotlight.formats.classes import Classes
from slotlight.formats.coco import coco_json
from slotlight.formats.found import Found
from slotlight.groups.classes import CLUSTERS, NAMES, kept_clusters, named_classes
from slotlight.groups.clustering import Clusters, cluster
from slotlight.groups.features import FeatureReader, known_features
from slotlight.groups.found import FoundObjects
from slotlight.groups.names import default_name, names_csv, read_names
from slotlight.groups.sheets import SHOWN, Shown, spread, write_sheets

GROUPED, SHEETS = "grouped.json", "sheets"
_FEATURES = ".features.jsonl"
OUTPUTS = (GROUPED, NAMES, SHEETS, _FEATURES, CLUSTERS)


@dataclass(frozen=True)
class Grouped:
    """What a folder of groups holds.

    Attributes:
        sizes: Objects in each group, the first being group 1, the largest.
        names: Of each group; empty where it is left out.
        chosen_by: How well its number of groups did, where it was chosen; see `slotlight.groups.clustering`.
        failures: Photographs whose objects could not be looked at, each with its cause.
    """

    sizes: tuple[int, ...]
    names: Mapping[int, str]
    chosen_by: float | None
    failures: Mapping[str, str]


def group_objects(
    found: FoundObjects,
    out: Path,
    reader: FeatureReader,
    *,
    groups: int | None = None,
    seed: int = 0,
    start_over: bool = False,
    on_photograph: Callable[[int], None] = lambda _: None,
) -> Grouped:
    """Group the objects of a discovery by their features, or give groups that there are their present names.

    Args:
        found: The objects.
        out: A new or empty folder, or that of an earlier grouping.
        reader: Of the objects' features.
        groups: How many; chosen where left out.
        seed: Of the clusters' initial centres.
        start_over: Delete what another run wrote there.
        on_photograph: Called with the number of photographs that are done.

    Raises:
        OutputError: The folder holds another run, names that would be lost, or cannot be written.
        ConfigError: There are fewer objects than groups, or ``names.csv`` is not as it should be.
    """
    if start_over and _named_by_hand(out):
        raise OutputError(
            f"{out / NAMES} holds edited names; move it out of the folder before you pass --start-over."
        )
    asked = "chosen" if groups is None else groups
    identity = {
        "found": found.digest,
        "features": digest(reader.backbone.fingerprint(), reader.image_size, reader.precision),
        "groups": asked,
        "seed": seed,
    }
    with begin_run(out, identity, outputs=OUTPUTS, start_over=start_over), writing_to(out, promise=RESUMES):
        kept = kept_clusters(out)
        if kept is None:
            kept = _form(found, out, reader, groups, seed, on_photograph)
            write_text(out / CLUSTERS, [sealed(kept)])
        names = read_names(out / NAMES, len(kept["sizes"]))
        if not (out / NAMES).is_file():
            write_text(out / NAMES, [names_csv(kept["sizes"], names)])
        write_text(out / GROUPED, _coco(found, named_classes(kept, names)))
    return Grouped(tuple(kept["sizes"]), names, kept["chosen_by"], kept["failures"])


def _named_by_hand(out: Path) -> bool:
    kept = kept_clusters(out)
    if not (out / NAMES).is_file():
        return False
    names = {group: default_name(group) for group in range(1, len(kept["sizes"]) + 1)} if kept else {}
    return kept is None or (out / NAMES).read_bytes() != names_csv(kept["sizes"], names).encode()


def _form(
    found: FoundObjects,
    out: Path,
    reader: FeatureReader,
    groups: int | None,
    seed: int,
    on_photograph: Callable[[int], None],
) -> dict[str, Any]:
    """Read all features, cluster them, draw the sheets."""
    failures: dict[str, str] = {}
    with (out / _FEATURES).open("a+b") as record:
        _end_line(record)
        features = _read_features(found, record, out / _FEATURES, reader, failures, on_photograph)
    files = [line.file for line in found.lines() if line.file in features]
    if not files:
        raise ImageError(next(iter(failures.values())))
    clusters = cluster(np.concatenate([features[file] for file in files]), groups, seed=seed)
    ends = np.cumsum([len(features[file]) for file in files])[:-1]
    objects = dict(zip(files, (part.tolist() for part in np.split(clusters.group, ends)), strict=True))
    _draw(found, out, clusters, files)
    sizes = np.bincount(clusters.group)[1:].tolist()
    return {"sizes": sizes, "chosen_by": clusters.chosen_by, "failures": failures, "objects": objects}


def _end_line(record: IO[bytes]) -> None:
    """Close a line that a kill cut off."""
    if record.tell():
        record.write(b"\n")


def _read_features(
    found: FoundObjects,
    record: IO[bytes],
    path: Path,
    reader: FeatureReader,
    failures: dict[str, str],
    on_photograph: Callable[[int], None],
) -> dict[str, Float[np.ndarray, "object dim"]]:
    known = {file: one.features for file, one in known_features(path).items() if file in found.offsets}
    on_photograph(len(known))

    def fail(line: Line, error: ImageError) -> None:
        failures[line.file] = str(error)

    left = (line for line in found.lines() if line.file not in known)
    for one in reader.stream(left, fail):
        record.write(one.encoded().encode())
        record.flush()
        known[one.file] = one.features
        on_photograph(len(known))
    return known


def _draw(found: FoundObjects, out: Path, clusters: Clusters, files: list[str]) -> None:
    """The sheet of each group; photographs are looked up in one pass over the record."""
    wanted: dict[int, tuple[int, int]] = {}  # number of an object → its group, and its place on the sheet
    for group in range(1, int(clusters.group.max()) + 1):
        members = np.flatnonzero(clusters.group == group)
        for place, member in enumerate(members[spread(clusters.distance[members])]):
            wanted[int(member)] = group, place
    sheets: dict[int, list[Shown | None]] = {group: [None] * SHOWN for group, _ in wanted.values()}
    chosen, number = set(files), 0
    for line in found.lines():
        for annotation in line.annotations if line.file in chosen else ():
            if number in wanted:
                group, place = wanted[number]
                sheets[group][place] = Shown(line.file, annotation)
            number += 1
    write_sheets(
        {
            out / SHEETS / f"group-{group:02d}.jpg": [shown for shown in places if shown]
            for group, places in sheets.items()
        }
    )


def _coco(found: FoundObjects, classes: Classes) -> Iterator[str]:
    """``grouped.json``: each name is a category."""
    info = {"description": "Objects found and grouped without labels by Slotlight", "found": found.digest}
    named = classes.applied(Found(info, lambda: (line.found(line.file) for line in found.lines())))
    return coco_json(info, named.photographs, dict(enumerate(named.classes, start=1)))
