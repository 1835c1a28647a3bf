"""Groups and the names that a person gives them → classes, which all formats can say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotlight.errors import OutputError
from slotlight.files import digest, is_claimed, run_identity, unsealed
from slotlight.formats.classes import Classes
from slotlight.groups.names import read_names

CLUSTERS, NAMES = ".clusters.json", "names.csv"


def kept_clusters(folder: Path) -> dict[str, Any] | None:
    """The groups in a folder; None where there are none yet."""
    path = folder / CLUSTERS
    return unsealed(path.read_bytes()) if path.is_file() else None


def named_classes(kept: Mapping[str, Any], names: Mapping[int, str]) -> Classes:
    """A class for each name, in the order of the lowest group that has it.

    Example:
        >>> kept = {"objects": {"a.jpg": [1, 2, 3]}, "failures": {}}
        >>> named = named_classes(kept, {1: "", 2: "cat", 3: "cat"})
        >>> named.names, named.of
        (('cat',), {'a.jpg': [0, 1, 1]})
    """
    classes = tuple(dict.fromkeys(name for _, name in sorted(names.items()) if name))
    number = {group: classes.index(name) + 1 if name else 0 for group, name in names.items()}
    objects = {file: [number[group] for group in groups] for file, groups in kept["objects"].items()}
    return Classes(classes, objects, kept["failures"], digest(kept["objects"]))


def read_classes(folder: Path, found: str) -> Classes:
    """The classes that a folder of groups gives, by the names that are in it now.

    Args:
        folder: What `slotlight groups` wrote.
        found: The digest of the objects that are to have these classes; see `slotlight.groups.found.FoundObjects`.

    Raises:
        OutputError: The folder holds no groups, or those of other objects.
        ConfigError: ``names.csv`` is not as it should be.
    """
    kept = kept_clusters(folder) if is_claimed(folder) else None
    if kept is None:
        raise OutputError(f"{folder} holds no groups; name a folder that `slotlight groups` wrote.")
    if (run_identity(folder) or {}).get("found") != found:
        raise OutputError(f"{folder} holds groups of other objects; run `slotlight groups` on these.")
    return named_classes(kept, read_names(folder / NAMES, len(kept["sizes"])))
