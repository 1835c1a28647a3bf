"""The files of a VOC devkit as tools write them: lists of photographs and annotations in XML."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from slotlight.errors import DatasetError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FLAGGED = re.compile(r"(.*\S)\s+(?:-1|0|1)")


@dataclass(frozen=True)
class VOCAnnotation:
    """What an annotation file says.

    Attributes:
        boxes_xyxy: Of each object, 0-based, right and bottom exclusive.
        size: (height, width) of the photograph that was annotated; None where the file does not say.
    """

    boxes_xyxy: Float[np.ndarray, "object 4"]
    size: tuple[int, int] | None


def read_annotation(path: Path) -> VOCAnnotation:
    """Read a VOC annotation file; classes may have any name, because objects are found without them.

    Raises:
        DatasetError: It is missing, not XML, or a box in it is broken.
    """
    if not path.is_file():
        raise DatasetError(f"The label file {path} is missing; every photograph of the list needs one.")
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (OSError, ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise DatasetError(f"The label file {path} cannot be read: {error}.") from None
    if root.tag != "annotation":
        raise DatasetError(f"The label file {path} is not a VOC annotation: it begins with <{root.tag}>.")
    boxes = [_box(element, f"The label file {path}, object {i}") for i, element in _objects(root)]
    array = np.array(boxes, dtype=np.float64).reshape(-1, 4) - [1, 1, 0, 0]
    return VOCAnnotation(array.clip(min=0), _size(root))  # some tools count from 0


def _objects(root: ElementTree.Element) -> Iterator[tuple[str, ElementTree.Element]]:
    for number, element in enumerate(root.findall("object"), start=1):
        name = (element.findtext("name") or "").strip()
        yield f"{number} ({name[:40]})" if name else str(number), element


def _box(element: ElementTree.Element, where: str) -> list[float]:
    texts = [(element.findtext(f"bndbox/{corner}") or "").strip() for corner in _CORNERS]
    try:
        box = [float(text) for text in texts]
    except ValueError:
        box = [math.nan]
    if not all(map(math.isfinite, box)) or max(map(abs, box)) > 1e9:
        shown = ", ".join(f"{corner} {text[:20]!r}" for corner, text in zip(_CORNERS, texts, strict=True))
        raise DatasetError(f"{where}, has a box that cannot be read ({shown}); give it four finite numbers.")
    if min(box[2:]) < 1 or max(box[2:]) <= 1:
        raise DatasetError(
            f"{where}, has a box that ends before the first pixel ({', '.join(texts)}); write corners in pixels from 1."
        )
    if box[2] < box[0] or box[3] < box[1]:
        raise DatasetError(
            f"{where}, has swapped corners: {box[0]:g}, {box[1]:g} to {box[2]:g}, {box[3]:g}; xmin and ymin come first."
        )
    return box


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Many tools leave it out or write 0."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


def read_list(path: Path, photographs: dict[str, Path]) -> list[str]:
    """The names in a list, each once: one a line, with spaces or a file's suffix, or a flag in a second column.

    Args:
        path: The list.
        photographs: The devkit's, by name.

    Raises:
        DatasetError: It cannot be read, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"The list {path} cannot be read: {error}.") from None
    named = [(line.strip(), _name(line.strip(), photographs)) for line in lines if line.strip()]
    if not named:
        raise DatasetError(f"The list {path} names no photograph; put one name on each line.")
    first: dict[str, str] = {}
    for line, name in named:
        other = first.setdefault(name, line)
        if _folder(other) != _folder(line):
            raise DatasetError(
                f"The list {path} names {other} and {line}, but JPEGImages has only one {name}; give each its own name."
            )
    return list(first)


def _folder(line: str) -> str:
    return line.replace("\\", "/").rpartition("/")[0]


def _name(line: str, photographs: dict[str, Path]) -> str:
    """What a line names, as far as the devkit knows it; otherwise the line itself."""
    bare = flagged[1] if (flagged := _FLAGGED.fullmatch(line)) else line
    path = Path(line.replace("\\", "/"))
    if line not in photographs and bare not in photographs and path.stem in photographs:
        return path.stem
    return line if line in photographs else bare
