"""COCO's instances JSON: polygons and run lengths to one map of instances, one of classes, and boxes.

Where objects overlap, the smaller one is on top. Crowds are void, and have no box.
"""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO
from jaxtyping import Float, UInt8

from slotlight.datasets.sample import VOID, LabelKind, Labels, Sample, check_size, photograph_reader
from slotlight.errors import DatasetError

Annotation = dict[str, Any]
"""One entry of the file's ``annotations``, as COCO defines it."""


class COCODataset:
    """The photographs of a COCO instances file, sorted by their id.

    The labels of `Labels.classes` are 1… in the order of the file's category ids, which have gaps.

    Args:
        annotations: As ``annotations/instances_val2017.json``.
        photographs: The folder of its photographs, as ``val2017``.

    Raises:
        DatasetError: The file is missing or not in COCO's form, or there is no such folder.
    """

    label_kinds = frozenset(LabelKind)

    def __init__(self, annotations: str | Path, photographs: str | Path) -> None:
        self.path, self.photographs = Path(annotations), Path(photographs)
        self.name, self.split = "COCO", self.path.stem.removeprefix("instances_")
        self.identity = f"{self.path.resolve()} {self.photographs.resolve()}"
        if not self.photographs.is_dir():
            raise DatasetError(f"There is no folder of photographs {self.photographs}; check its name.")
        self._coco = _read(self.path)
        self._ids: list[int] = sorted(self._coco.imgs)

    def __len__(self) -> int:
        """How many photographs the file lists."""
        return len(self._ids)

    def __iter__(self) -> Iterator[Sample]:
        """All photographs, by id."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        """One photograph; nothing is decoded yet."""
        number = self._ids[index]
        name = self._coco.imgs[number]["file_name"]  # unique, as stems of several folders are not
        path = self.photographs / name
        return Sample(name, photograph_reader(path), lambda kinds: self._read_labels(number, path, kinds))

    @cached_property
    def _classes(self) -> dict[int, int]:
        return {category: label for label, category in enumerate(sorted(self._coco.cats), start=1)}

    def _read_labels(self, number: int, path: Path, kinds: frozenset[LabelKind]) -> Labels:
        found: list[Annotation] = self._coco.loadAnns(self._coco.getAnnIds(imgIds=[number]))
        objects = [a for a in found if not a.get("iscrowd")]
        boxes = _boxes(objects)
        if kinds <= {LabelKind.BOXES}:
            return Labels(boxes_xyxy=boxes)
        if len(objects) >= VOID:
            raise DatasetError(
                f"{path.name} has {len(objects)} objects in {self.path}; at most 254 fit a map."
            )
        instances = self._paint(number, objects, [a for a in found if a.get("iscrowd")])
        if path.is_file():
            check_size(instances, self.path, path)
        table = np.zeros(256, np.uint8)
        table[VOID] = VOID
        table[1 : len(objects) + 1] = [self._class_of(a) for a in objects]
        foreground = np.where(instances == VOID, instances, np.minimum(instances, 1))
        return Labels(foreground, table[instances], instances, boxes)

    def _class_of(self, annotation: Annotation) -> int:
        if annotation["category_id"] not in self._classes:
            missing = f"annotation {annotation['id']} has category {annotation['category_id']}"
            raise DatasetError(f"In {self.path}, {missing}, which its categories do not list.")
        return self._classes[annotation["category_id"]]

    def _paint(
        self, number: int, objects: list[Annotation], crowds: list[Annotation]
    ) -> UInt8[np.ndarray, "height width"]:
        size = self._coco.imgs[number]
        instances = np.zeros((size["height"], size["width"]), np.uint8)
        for crowd in crowds:
            instances[self._mask(crowd)] = VOID
        masks = [self._mask(a) for a in objects]
        for label in sorted(range(len(masks)), key=lambda i: -masks[i].sum()):
            instances[masks[label]] = label + 1
        return instances

    def _mask(self, annotation: Annotation) -> np.ndarray:
        try:
            return np.asarray(self._coco.annToMask(annotation), dtype=bool)
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            where = f"annotation {annotation.get('id')} of {self.path}"
            raise DatasetError(f"The segmentation of {where} cannot be decoded: {error}.") from None


def _boxes(objects: list[Annotation]) -> Float[np.ndarray, "object 4"]:
    boxes = np.array([a["bbox"] for a in objects], dtype=np.float64).reshape(-1, 4)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def _read(path: Path) -> COCO:
    if not path.is_file():
        raise DatasetError(f"There is no COCO file {path}; check its name.")
    try:
        content = json.loads(path.read_text())
        absent = {"images", "annotations", "categories"} - set(content)
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{path} is no JSON in COCO's form: {error}.") from None
    if absent:
        raise DatasetError(f"{path} is not in COCO's form: it lacks {', '.join(sorted(absent))}.")
    return COCO(content)
