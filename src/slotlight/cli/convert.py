"""``slotlight convert``: a finished run → other formats, without the model."""

from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import FormatConfig

if TYPE_CHECKING:
    from slotlight.formats.classes import Classes


def convert(
    found: Positional[Path],
    *,
    out: Path,
    groups: Path | None = None,
    formats: OmitArgPrefixes[FormatConfig] = FormatConfig(),  # noqa: B008
    start_over: bool = False,
) -> int:
    """Write other formats of the objects that a finished run has found; the model is not needed.

    With --groups the names in GROUPS/names.csv are the classes. The same command, run again after names have changed,
    writes the formats anew.

    Args:
        found: The folder that `slotlight discover` or `slotlight merge` wrote.
        out: The folder to write to: a new or empty one, or that of the same conversion.
        groups: What `slotlight groups` wrote for the same FOUND.
        formats: Formats to write.
        start_over: Delete what another conversion wrote to OUT first.
    """
    from rich.console import Console
    from rich.text import Text

    from slotlight.discovery.converting import convert_run
    from slotlight.formats.registry import FORMATS

    classes = None if groups is None else _classes_of(groups, found)
    count = convert_run(found, out, formats, classes=classes, start_over=start_over)
    written = ", ".join(str(out / FORMATS[name].output) for name in formats.format)
    Console().print(Text(f"{count} photograph{'' if count == 1 else 's'}: {written}"), soft_wrap=True)
    return 0


def _classes_of(groups: Path, found: Path) -> "Classes":
    from slotlight.groups.classes import read_classes
    from slotlight.groups.found import FoundObjects

    return read_classes(groups, FoundObjects.of(found).digest)
