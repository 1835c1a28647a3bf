"""A COCO instances file, validated: JSON as tools write it → canonical images and annotations.

What is unusual but unambiguous is completed: annotations without ids, box, area or crowd flag, LVIS's links in place of
file names, byte-order marks. What contradicts itself is refused in one sentence that names the entry. The structure
(ids) is checked when the file is read; an annotation's geometry when its photograph's labels are, so that one broken
annotation costs one photograph.

Unusual: a table of checks rather than a validation library, because the sentences must name ids of the file, and half
of the checks are between entries.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from slotlight.errors import DatasetError

Entry = dict[str, Any]
"""An entry of the file's ``images`` or ``annotations``, as COCO defines it."""

_LOG = logging.getLogger("slotlight")
_MOST_PIXELS = 1_000_000_000
_MOST = 1e300
_BEYOND = 2  # pixels: tools round


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or _is_whole(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value % 1 == 0


def _is_number(value: Any) -> bool:
    """Any that a float can hold; JSON's may have hundreds of digits."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and -_MOST <= value <= _MOST  # NaN is not


def _is_side(value: Any) -> bool:
    return _is_whole(value) and 0 < value <= _MOST_PIXELS


def _is_box(value: Any) -> bool:
    is_four = isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))
    return is_four and min(value[2:]) >= 0


_ID = (_is_id, "a whole number or a text")
_Check = tuple[Callable[[Any], bool], str]
_IMAGE: dict[str, _Check] = {
    "id": _ID,
    "file_name": (lambda value: isinstance(value, str) and value.strip("/\\. ") != "", "the name of a file"),
    "width": (_is_side, "a number of pixels"),
    "height": (_is_side, "a number of pixels"),
}
_ANNOTATION: dict[str, _Check] = {
    "id": _ID,
    "image_id": _ID,
    "category_id": _ID,
    "iscrowd": (lambda value: value in (0, 1), "0 or 1"),
}
GEOMETRY: dict[str, _Check] = {
    "bbox": (_is_box, "[x, y, width, height]: finite numbers, with sizes of at least 0"),
    "area": (lambda value: _is_number(value) and value >= 0, "a finite number of at least 0"),
    "segmentation": (lambda value: isinstance(value, list | dict), "polygons or run lengths"),
}
_CATEGORY: dict[str, _Check] = {"id": _ID}


@dataclass(frozen=True)
class COCOFile:
    """A validated file.

    Attributes:
        images: By id; each has a file name.
        annotations: By the id of their image, in the file's order; each has an id, a category and a crowd flag.
        categories: By id.
        has_segmentations: Whether any annotation has one.
    """

    images: dict[Any, Entry]
    annotations: dict[Any, list[Entry]]
    categories: dict[Any, Entry]
    has_segmentations: bool


def read_coco_file(path: Path) -> COCOFile:
    """Read a file and check that its ids fit together.

    Raises:
        DatasetError: It is missing, not JSON, not in COCO's form, or its ids contradict each other.
    """
    content = _read_json(path)
    images = _entries(content, "images", _IMAGE, path)
    annotations = _entries(content, "annotations", _ANNOTATION, path)
    _complete_names(images, path)
    _complete_ids(annotations)
    _require_distinct_ids(images, "image", path)
    _require_distinct_ids(annotations, "annotation", path)
    _require_one_type([*(i["id"] for i in images), *(a["image_id"] for a in annotations)], path)
    categories = _entries(content, "categories", _CATEGORY, path) if content.get("categories") else []
    if not categories:
        categories = [{"id": number} for number in sorted({a["category_id"] for a in annotations}, key=str)]
    _require_one_type([*(c["id"] for c in categories), *(a["category_id"] for a in annotations)], path)
    annotations = _without_orphans(images, annotations, path)
    _require_listed(annotations, {category["id"] for category in categories}, path)
    _require_objects(annotations, path)
    by_image: dict[Any, list[Entry]] = {image["id"]: [] for image in images}
    for annotation in annotations:
        by_image[annotation["image_id"]].append(annotation)
    return COCOFile(
        {image["id"]: image for image in images},
        by_image,
        {category["id"]: category for category in categories},
        any(annotation.get("segmentation") for annotation in annotations),
    )


def misplaced_boxes(file: COCOFile, size_of: Callable[[Entry], tuple[int, int] | None]) -> str | None:
    """What to say of boxes that lie beyond their photographs, or are all of a pixel at most: other units or corners.

    They are measured as they are, as pycocotools does.

    Args:
        file: A validated file.
        size_of: Gives the (height, width) of an image.
    """
    count, beyond, smallest = 0, list[str](), True
    for number, image in file.images.items():
        boxed = [a for a in file.annotations[number] if a.get("bbox") and _is_box(a["bbox"])]
        size = size_of(image) if boxed else None
        if size is None:
            continue
        for annotation in boxed:
            x, y, width, height = annotation["bbox"]
            count += 1
            smallest &= width <= 1 and height <= 1
            if x + width > size[1] + _BEYOND or y + height > size[0] + _BEYOND or min(x, y) < -_BEYOND:
                beyond.append(
                    f"annotation {annotation['id']}'s {_short(annotation['bbox'])} in {size[1]}×{size[0]}"
                )
    if count and smallest:
        return f"all {count} boxes are a pixel or less; write them in pixels: [x, y, width, height]."
    if beyond:
        return (
            f"{len(beyond)} of {count} boxes reach beyond their photographs, such as {beyond[0]}; check that they are "
            "[x, y, width, height] in pixels of these photographs."
        )
    return None


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DatasetError(f"There is no COCO file {path}; check its name.")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not a JSON file in COCO format: {error}.") from None
    names = set(content) if isinstance(content, dict) else set()
    if absent := {"images", "annotations"} - names:
        raise DatasetError(f"{path} is not in COCO format: it lacks {', '.join(sorted(absent))}.")
    return dict(content)


def _entries(content: Entry, kind: str, checks: dict[str, _Check], path: Path) -> list[Entry]:
    """All entries of a kind, each field held against its check; a null counts as absent."""
    one = {"images": "image", "annotations": "annotation", "categories": "category"}[kind]
    entries = content[kind]
    if not isinstance(entries, list) or (not entries and kind != "categories"):
        raise DatasetError(f"{path} lists no {kind}; it needs a list of them under {kind!r}.")
    found: list[Entry] = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise DatasetError(f"In {path}, {one} number {number} is not an object but {_short(entry)}.")
        entry = {key: value for key, value in entry.items() if value is not None}
        check_fields(entry, checks, f"In {path}, {_named(one, entry, number)}")
        for key in ("id", "image_id", "category_id"):  # 3.0 is 3
            if isinstance(entry.get(key), float):
                entry[key] = int(entry[key])
        required = {"image": "id", "annotation": "image_id", "category": "id"}[one]
        if required not in entry:
            raise DatasetError(f"In {path}, {_named(one, entry, number)} has no {required}.")
        found.append(entry)
    return found


def check_fields(entry: Entry, checks: dict[str, _Check], where: str) -> None:
    """Hold each field that an entry has against its check.

    Raises:
        DatasetError: It names the entry, the field and its value.
    """
    for key, (is_valid, expected) in checks.items():
        if key in entry and not is_valid(entry[key]) and not _is_absent(key, entry[key]):
            raise DatasetError(f"{where} has the {key} {_short(entry[key])}; it must be {expected}.")


def _is_absent(key: str, value: Any) -> bool:
    return value is None or (key in ("bbox", "segmentation") and value in ([], {}, ""))


def _named(kind: str, entry: Entry, number: int) -> str:
    """How a sentence calls an entry: by its id, else by its place."""
    return f"{kind} {_short(entry['id'])}" if _is_id(entry.get("id")) else f"{kind} number {number} (from 0)"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _complete_names(images: list[Entry], path: Path) -> None:
    """LVIS, and some exports, have links alone."""
    for image in images:
        if "file_name" not in image:
            link = next((image[key] for key in ("coco_url", "flickr_url", "path") if image.get(key)), None)
            parts = PurePosixPath(_link_path(link)).parts if isinstance(link, str) else ()
            if not parts or parts[-1] in ("/", ".."):
                raise DatasetError(
                    f"In {path}, image {_short(image['id'])} has no file_name; add the name of its photograph."
                )
            image["file_name"] = "/".join(parts[-2:]).strip("/")  # LVIS's are in COCO's train2017 and val2017


def _link_path(link: str) -> str:
    try:
        return urlsplit(link).path
    except ValueError:
        return ""


def _complete_ids(annotations: list[Entry]) -> None:
    if any("id" not in annotation for annotation in annotations):
        for number, annotation in enumerate(annotations, start=1):
            annotation["id"] = number
    for annotation in annotations:
        annotation.setdefault("category_id", next(iter(annotations)).get("category_id", 1))
        annotation["iscrowd"] = int(annotation.get("iscrowd", 0))


def _require_distinct_ids(entries: list[Entry], kind: str, path: Path) -> None:
    seen: set[Any] = set()
    for entry in entries:
        if entry["id"] in seen:
            raise DatasetError(
                f"In {path}, two {kind}s have the id {_short(entry['id'])}; give each {kind} its own id."
            )
        seen.add(entry["id"])


def _require_one_type(ids: list[Any], path: Path) -> None:
    texts = [value for value in ids if isinstance(value, str)]
    if texts and len(texts) < len(ids):
        number = next(value for value in ids if not isinstance(value, str))
        raise DatasetError(
            f"In {path}, ids are both strings and numbers ({_short(texts[0])} and {number}); write all as numbers."
        )


def _require_listed(annotations: list[Entry], categories: set[Any], path: Path) -> None:
    """Tools leave such annotations out without a word."""
    for annotation in annotations:
        if annotation["category_id"] not in categories:
            raise DatasetError(
                f"In {path}, annotation {_short(annotation['id'])} has the category "
                f"{_short(annotation['category_id'])}, which its categories do not list; add it to them."
            )


def _require_objects(annotations: list[Entry], path: Path) -> None:
    """Of crowds alone, every figure would be empty."""
    if all(annotation["iscrowd"] for annotation in annotations):
        raise DatasetError(
            f"In {path}, all {len(annotations)} annotations are crowds (iscrowd 1), and none is a single object; "
            "check iscrowd."
        )


def _without_orphans(images: list[Entry], annotations: list[Entry], path: Path) -> list[Entry]:
    """As pycocotools does: annotations of images that are not listed count for nothing; but it is said."""
    known = {image["id"] for image in images}
    orphans = [annotation for annotation in annotations if annotation["image_id"] not in known]
    if len(orphans) == len(annotations):
        raise DatasetError(
            f"In {path}, no annotation belongs to a listed image: annotation {_short(orphans[0]['id'])} is of image "
            f"{_short(orphans[0]['image_id'])}; check that images and annotations belong together."
        )
    if orphans:
        _LOG.warning(
            "In %s, annotation %s is of image %s, which is not listed; %d such annotation(s) are left out.",
            *(path, orphans[0]["id"], orphans[0]["image_id"], len(orphans)),
        )
    return [annotation for annotation in annotations if annotation["image_id"] in known]
