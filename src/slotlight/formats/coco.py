"""COCO: one JSON file of images and annotations, with run lengths or polygons."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle
from jaxtyping import Bool, Float

from slotlight.files import write_text
from slotlight.formats.found import Found, FoundPhotograph

DESCRIPTION = "Objects found without labels by Slotlight"


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
    write_text(folder / "objects.json", coco_json(found))


def write_coco_polygons(found: Found, folder: Path) -> None:
    """Write ``objects-polygons.json``: each object as one polygon a part, holes joined to the outline."""
    write_text(folder / "objects-polygons.json", coco_json(found, with_polygons))


def with_polygons(photograph: FoundPhotograph) -> Iterator[Mapping[str, Any]]:
    """A photograph's objects with polygons in place of run lengths."""
    from slotlight.formats.polygons import edge_polygons

    for annotation, mask in zip(photograph.annotations, photograph.masks(), strict=True):
        polygons = [polygon.astype(int).ravel().tolist() for polygon in edge_polygons(mask)]
        yield {**annotation, "segmentation": polygons}


def coco_json(
    found: Found,
    annotations_of: Callable[[FoundPhotograph], Iterable[Mapping[str, Any]]] = lambda found: (
        found.annotations
    ),
    categories: Mapping[int, str] | None = None,
) -> Iterator[str]:
    """A COCO file piece by piece, so that it need not fit in memory; annotations are numbered from 1.

    Args:
        found: What was found.
        annotations_of: Gives the annotations of a photograph, the same ones at each call.
        categories: Their names by id; without it, the classes, numbered from 1.
    """
    info = {**found.info, "description": found.info.get("description", DESCRIPTION)}
    named = categories or dict(enumerate(found.classes, start=1))
    rows = [{"id": number, "name": name} for number, name in named.items()]
    yield f'{{"info": {json.dumps(info)},\n "categories": {json.dumps(rows)},\n "images": ['
    for number, image in enumerate(found.photographs()):
        row = {
            "id": image.image_id,
            "file_name": image.file_name,
            "width": image.width,
            "height": image.height,
        }
        yield (",\n  " if number else "\n  ") + json.dumps(row | ({"key": image.key} if image.key else {}))
    yield '],\n "annotations": ['
    count = 0
    for image in found.photographs():
        for annotation in annotations_of(image):
            count += 1
            row = {**annotation, "id": count, "image_id": image.image_id}
            yield (",\n  " if count > 1 else "\n  ") + json.dumps(row)
    yield "]}\n"
