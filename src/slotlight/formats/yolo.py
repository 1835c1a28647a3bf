"""YOLO's segmentation folder: a text file of polygons for each photograph, and links to the photographs.

ultralytics looks for the labels of ``images/a.jpg`` in ``labels/a.txt``, so the photographs must lie under ``images``.
They are linked, not copied.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from slotlight.errors import OutputError
from slotlight.formats.folders import file_below, whole_folder
from slotlight.formats.found import Found, FoundPhotograph

_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}


def write_yolo(found: Found, folder: Path) -> None:
    """Write ``yolo/``: ``data.yaml``, ``labels/`` and ``images/``, which holds links to the photographs."""
    with whole_folder(folder / "yolo") as partial:
        (partial / "images").mkdir()
        (partial / "labels").mkdir()
        for photograph in found.photographs():
            lines = "".join(f"{line}\n" for line in yolo_lines(photograph))
            file_below(partial / "labels", photograph.name, ".txt").write_text(lines)
            _link(photograph, partial / "images")
        classes = "".join(f"  {number}: {_quoted(name)}\n" for number, name in enumerate(found.classes))
        (partial / "data.yaml").write_text(f"train: images\nval: images\nnames:\n{classes}", encoding="utf-8")


def yolo_lines(photograph: FoundPhotograph) -> Iterator[str]:
    """A line an object: its class from 0, then x and y of its polygon's points as shares of width and height."""
    for annotation, mask in zip(photograph.annotations, photograph.each_mask(), strict=True):
        yield " ".join([str(annotation["category_id"] - 1), *_shares(mask)])


def _quoted(name: str) -> str:
    """A name as YAML has it; what is no plain word is quoted, as JSON does it."""
    is_plain = name.isascii() and name.isidentifier() and name.lower() not in _YAML_WORDS
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def _shares(mask: Bool[np.ndarray, "height width"]) -> Iterator[str]:
    from slotlight.formats.polygons import centre_polygon

    height, width = mask.shape
    points = centre_polygon(mask)
    if len(points) < 3:  # of a pixel or a line, which are polygons to YOLO only from three points on
        points = np.resize(points, (3, 2)) if len(points) == 1 else points[[0, 1, 1]]
    # Some tools cut these to whole pixels and some round; a quarter beyond the pixel, both come to it.
    for x, y in (points + 0.25) / (width, height):
        yield f"{x:.7g}"
        yield f"{y:.7g}"


def _link(photograph: FoundPhotograph, folder: Path) -> None:
    path = Path(photograph.file)
    if not path.is_file():
        raise OutputError(
            f"{path} is not a file on this machine, but YOLO's folder links to photographs; choose another format."
        )
    file_below(folder, photograph.name, path.suffix).symlink_to(path.absolute())
