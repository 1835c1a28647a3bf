"""COCO: one JSON file of images and annotations, with run lengths or polygons."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle
from jaxtyping import Bool, Float

from slotlight.files import write_text
from slotlight.formats.found import OBJECT, Found, FoundPhotograph


def coco_annotations(
    masks: Iterable[Bool[np.ndarray, "height width"]],
    boxes_xyxy: Float[np.ndarray, "object 4"],
    scores: Float[np.ndarray, " object"],
    *,
    image_id: int,
    first_annotation_id: int,
) -> list[dict[str, Any]]:
    """One annotation an object: RLE ``segmentation``, ``bbox`` as x, y, width, height, ``area``, ``score``.

    Source: the results and annotation formats of cocodataset.org.
    """
    annotations = []
    for number, (mask, box, score) in enumerate(zip(masks, boxes_xyxy, scores, strict=True)):
        encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
        left, top, right, bottom = (float(v) for v in box)
        annotations.append(
            {
                "id": first_annotation_id + number,
                "image_id": image_id,
                "category_id": 1,
                "segmentation": {"size": list(mask.shape), "counts": encoded["counts"].decode()},
                "bbox": [left, top, right - left, bottom - top],
                "area": int(mask.sum()),
                "iscrowd": 0,
                "score": round(float(score), 4),
            }
        )
    return annotations


def write_coco(found: Found, folder: Path) -> None:
    """Write ``objects.json``, whose masks are run lengths."""
    _write(found, folder / "objects.json", attrgetter("annotations"))


def write_coco_polygons(found: Found, folder: Path) -> None:
    """Write ``objects-polygons.json``: each object as one polygon a part, holes joined to the outline."""
    _write(found, folder / "objects-polygons.json", with_polygons)


def with_polygons(photograph: FoundPhotograph) -> list[dict[str, Any]]:
    """A photograph's objects with polygons in place of run lengths."""
    from slotlight.formats.polygons import edge_polygons

    return [
        annotation | {"segmentation": [ring.astype(int).ravel().tolist() for ring in edge_polygons(mask)]}
        for annotation, mask in zip(photograph.annotations, photograph.each_mask(), strict=True)
    ]


def _write(
    found: Found, path: Path, annotations_of: Callable[[FoundPhotograph], Sequence[dict[str, Any]]]
) -> None:
    info = dict(found.info) | {"description": "Objects found without labels by Slotlight"}
    categories = dict(enumerate(found.classes, start=1))
    write_text(path, coco_json(info, found.photographs, categories, annotations_of))


def coco_json(
    info: dict[str, Any],
    photographs: Callable[[], Iterable[FoundPhotograph]],
    categories: Mapping[int, str] = MappingProxyType({1: OBJECT}),
    annotations_of: Callable[[FoundPhotograph], Sequence[dict[str, Any]]] = attrgetter("annotations"),
) -> Iterator[str]:
    """A COCO file piece by piece, so that it need not fit in memory; annotations get their ids here.

    Args:
        info: What the file says of itself.
        photographs: Gives them, the same ones at each of two calls.
        categories: Names of the annotations' categories, by id.
        annotations_of: Makes the annotations of each photograph, once.
    """
    named = [{"id": number, "name": name} for number, name in categories.items()]
    yield f'{{"info": {json.dumps(info)},\n "categories": {json.dumps(named)},\n "images": ['
    for number, one in enumerate(photographs()):
        row = {"id": one.image_id, "file_name": one.file_name, "width": one.width, "height": one.height}
        yield (",\n  " if number else "\n  ") + json.dumps(row | ({"key": one.key} if one.key else {}))
    yield '],\n "annotations": ['
    count = 0
    for one in photographs():
        for annotation in annotations_of(one):
            count += 1
            yield (",\n  " if count > 1 else "\n  ") + json.dumps(
                annotation | {"id": count, "image_id": one.image_id}
            )
    yield "]}\n"
