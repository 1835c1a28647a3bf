"""A folder of objects → a folder of groups: ``grouped.json`` (COCO), ``names.csv``, ``sheets/``.

Features are recorded photograph by photograph, so a kill costs no more than a batch. Once the clusters are written they
stay: the same command, run again, only reads ``names.csv`` and writes ``grouped.json`` anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float

from slotlight.discovery.record import PROGRESS, Line, sorted_lines
from slotlight.errors import ImageError, OutputError
from slotlight.files import RESUMES, begin_run, digest, sealed, unsealed, write_text, writing_to
from slotlight.formats.coco import coco_json
from slotlight.formats.found import FoundPhotograph
from slotlight.groups.clustering import Clusters, cluster
from slotlight.groups.features import FeatureReader, known_features
from slotlight.groups.names import default_name, names_csv, read_names
from slotlight.groups.sheets import SHOWN, Shown, spread, write_sheets

GROUPED, NAMES, SHEETS = "grouped.json", "names.csv", "sheets"
_FEATURES, _CLUSTERS = ".features.jsonl", ".clusters.json"
OUTPUTS = (GROUPED, NAMES, SHEETS, _FEATURES, _CLUSTERS)


@dataclass(frozen=True)
class FoundObjects:
    """What a finished `slotlight discover` found.

    Attributes:
        folder: Its results.
        offsets: Where the line of each photograph with objects begins in its record.
        objects: How many there are in all.
        digest: Changes when any of them does.
    """

    folder: Path
    offsets: Mapping[str, int]
    objects: int
    digest: str

    @classmethod
    def of(cls, folder: Path) -> "FoundObjects":
        """Read a folder's record.

        Raises:
            OutputError: It holds no finished discovery, or one without objects.
        """
        if not (folder / "objects.json").is_file() or not (folder / PROGRESS).is_file():
            raise OutputError(
                f"{folder} holds no finished discovery; name a folder that `slotlight discover` has written."
            )
        offsets: dict[str, int] = {}
        parts: list[str] = []
        objects = 0
        with (folder / PROGRESS).open("rb") as lines:
            start = 0
            for text in lines:
                record = unsealed(text)
                if record is not None and record["annotations"]:
                    offsets[record["file"]] = start
                    objects += len(record["annotations"])
                    parts.append(digest(record))
                start += len(text)
        if not objects:
            raise OutputError(f"{folder} holds no object; run `slotlight discover` with a lower --min-score.")
        return cls(folder, offsets, objects, digest(sorted(parts)))

    def lines(self) -> Iterator[Line]:
        """The photographs with objects, by file."""
        return sorted_lines(self.folder / PROGRESS, self.offsets)


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
            f"{out / NAMES} holds names that somebody gave; move it out of the folder before --start-over."
        )
    asked = "chosen" if groups is None else groups
    identity = {
        "found": found.digest,
        "features": digest(reader.backbone.fingerprint(), reader.image_size, reader.precision),
        "groups": asked,
        "seed": seed,
    }
    with begin_run(out, identity, outputs=OUTPUTS, start_over=start_over), writing_to(out, promise=RESUMES):
        kept = _kept(out)
        if kept is None:
            kept = _form(found, out, reader, groups, seed, on_photograph)
            write_text(out / _CLUSTERS, [sealed(kept)])
        names = read_names(out / NAMES, len(kept["sizes"]))
        if not (out / NAMES).is_file():
            write_text(out / NAMES, [names_csv(kept["sizes"], names)])
        write_text(out / GROUPED, _coco(found, kept, names))
    return Grouped(tuple(kept["sizes"]), names, kept["chosen_by"], kept["failures"])


def _kept(out: Path) -> dict[str, Any] | None:
    """The clusters of an earlier run; None where there are none."""
    path = out / _CLUSTERS
    return unsealed(path.read_bytes()) if path.is_file() else None


def _named_by_hand(out: Path) -> bool:
    kept = _kept(out)
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


def _coco(found: FoundObjects, kept: dict[str, Any], names: Mapping[int, str]) -> Iterator[str]:
    """``grouped.json``: each name is a category, whose id is its lowest group's number."""
    category: dict[str, int] = {}
    for group, name in sorted(names.items()):
        category.setdefault(name, group)
    groups_of = kept["objects"]

    def photographs() -> Iterator[FoundPhotograph]:
        for line in found.lines():
            if line.file not in groups_of:
                continue
            annotations = [
                annotation | {"category_id": category[names[group]]}
                for annotation, group in zip(line.annotations, groups_of[line.file], strict=True)
                if names[group]
            ]
            yield replace(line.found(line.file), annotations=annotations)

    categories = {number: name for name, number in category.items() if name}
    info = {"description": "Objects found and grouped without labels by Slotlight", "found": found.digest}
    return coco_json(info, photographs, categories)
