"""Formats by name: the function that writes each, the file or folder that it writes, and the extra that it needs."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from slotlight.config import FormatConfig
from slotlight.errors import ConfigError
from slotlight.formats.boxes_csv import write_csv
from slotlight.formats.coco import write_coco, write_coco_polygons
from slotlight.formats.cutouts import write_cutouts
from slotlight.formats.found import Found
from slotlight.formats.label_studio import write_label_studio
from slotlight.formats.order import write_uncertain_first
from slotlight.formats.parquet import write_parquet, write_parquet_blocks
from slotlight.formats.voc import write_voc
from slotlight.formats.yolo import write_yolo

Write = Callable[[Found, Path], None]
"""Writes one format of everything that was found to a folder, photograph by photograph, whole or not at all."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        output: What it writes in the folder of results.
        write: Writes it.
        module: A module that must be installed for it.
        extra: The extra of Slotlight that installs the module.
    """

    output: str
    write: Write
    module: str = ""
    extra: str = ""


FORMATS: dict[str, Format] = {
    "coco": Format("objects.json", write_coco),
    "coco-polygons": Format("objects-polygons.json", write_coco_polygons, "contourpy", "polygons"),
    "yolo": Format("yolo", write_yolo, "contourpy", "polygons"),
    "voc": Format("voc", write_voc),
    "label-studio": Format("label-studio.json", write_label_studio),
    "csv": Format("objects.csv", write_csv),
    "parquet": Format("objects.parquet", write_parquet, "pyarrow", "parquet"),
    "parquet-blocks": Format("objects", write_parquet_blocks, "pyarrow", "parquet"),
    "cutouts": Format("cutouts", write_cutouts),
}
UNCERTAIN_FIRST = Format("uncertain-first.csv", write_uncertain_first)

OUTPUTS = tuple(each.output for each in (*FORMATS.values(), UNCERTAIN_FIRST))
"""All that any format writes."""


def write_formats(
    found: Found, folder: Path, formats: FormatConfig, *, written: Collection[str] = ()
) -> None:
    """Write the chosen formats of what was found, but for those that are written already."""
    for name in formats.format:
        if name not in written:
            FORMATS[name].write(found, folder)
    if formats.uncertain_first:
        UNCERTAIN_FIRST.write(found, folder)


def is_installed(name: str) -> bool:
    """Whether the library that a format needs is there."""
    return not FORMATS[name].module or find_spec(FORMATS[name].module) is not None


def check_installed(names: Iterable[str]) -> None:
    """Refuse a format whose library is not installed.

    Raises:
        ConfigError: Which extra to install.
    """
    for name in names:
        wanted = FORMATS[name]
        if not is_installed(name):
            raise ConfigError(
                f"The format {name!r} needs {wanted.module}; install it with: pip install 'slotlight[{wanted.extra}]'."
            )
