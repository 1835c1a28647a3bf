"""COCO's instances JSON: polygons and run lengths to one map of instances, one of classes, and boxes.

Where objects overlap, the smaller one is on top. Crowds are void, and no objects.
"""

import logging
from collections import Counter
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as run_lengths
from jaxtyping import Float, UInt8

from slotlight.datasets.coco_file import Entry, misplaced_boxes, read_coco_file
from slotlight.datasets.coco_geometry import complete
from slotlight.datasets.label_files import foreground_of, frame_of
from slotlight.datasets.sample import (
    VOID,
    InstanceMasks,
    LabelKind,
    Labels,
    Sample,
    files_identity,
)
from slotlight.errors import DatasetError, ImageError
from slotlight.formats.run_lengths import RunLengths
from slotlight.images import max_pixels, read_photograph, read_size
from slotlight.images.orientation import UPRIGHT, swaps_sides

_LOG = logging.getLogger("slotlight")


class COCODataset:
    """The photographs of a COCO instances file, sorted by their id.

    The labels of `Labels.classes` are 1… in the order of the file's category ids, which have gaps; of more than 254
    categories, 1… in the order of those of the photograph. A file without segmentations has boxes alone.

    Args:
        annotations: As ``annotations/instances_val2017.json``.
        photographs: The folder of its photographs, as ``val2017``.

    Raises:
        DatasetError: The file is missing or not in COCO's form, or there is no such folder.
    """

    def __init__(self, annotations: str | Path, photographs: str | Path) -> None:
        self.path, self.photographs = Path(annotations), Path(photographs)
        self.name, self.split = "COCO", self.path.stem.removeprefix("instances_")
        if not self.photographs.is_dir():
            raise DatasetError(f"There is no folder of photographs {self.photographs}; check its name.")
        self._coco = read_coco_file(self.path)
        self._ids: list[Any] = sorted(self._coco.images)
        kinds = frozenset(LabelKind) if self._coco.has_segmentations else frozenset({LabelKind.BOXES})
        self.label_kinds: frozenset[LabelKind] = kinds
        if said := misplaced_boxes(self._coco, self._size):
            _LOG.warning("In %s, %s", self.path, said)

    def __len__(self) -> int:
        """How many photographs the file lists."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """One photograph; nothing is decoded yet."""
        number = self._ids[index]
        name = self._coco.images[number]["file_name"]
        path = self._find(name)
        # File names are unique, as stems of several folders are not; where they are not either, ids are.
        sample_id = name if self._uses[name] == 1 else f"{name} (image {number})"
        return Sample(
            sample_id,
            lambda: read_photograph(path),
            lambda kinds: self._read_labels(number, path, kinds),
            lambda: files_identity(path, [], self._entries(number)),
        )

    def _entries(self, number: Any) -> tuple[Any, ...]:
        """Everything that the file says of a photograph."""
        return self._coco.images[number], self._coco.annotations[number], self._coco.categories

    def _size(self, image: Entry) -> tuple[int, int] | None:
        """(height, width), as the file says or as it is; None where neither can be told."""
        if "height" in image and "width" in image:
            return int(image["height"]), int(image["width"])
        try:
            return read_size(self._find(image["file_name"])).upright
        except ImageError:  # reading it will say why, in its turn
            return None

    @cached_property
    def _uses(self) -> Counter[str]:
        return Counter(image["file_name"] for image in self._coco.images.values())

    def _find(self, name: str) -> Path:
        """The photograph of a file name, which may come from another folder or system."""
        parts = _parts(name)
        places = {i: self.photographs.joinpath(*parts[i:]) for i in range(len(parts))}
        exact = next((path for path in (self.photographs / name, places[0]) if path.is_file()), None)
        below = (path for i, path in places.items() if path.is_file() and self._ends[parts[i:]] == 1)
        return exact or next(below, None) or self._by_folded_name.get(parts[-1].casefold(), places[0])

    @cached_property
    def _ends(self) -> Counter[tuple[str, ...]]:
        """How many file names end so; those of several cameras may differ in their folders alone."""
        names = {_parts(image["file_name"]) for image in self._coco.images.values()}
        return Counter(parts[i:] for parts in names for i in range(len(parts)))

    @cached_property
    def _by_folded_name(self) -> dict[str, Path]:
        """The folder's own photographs; annotations from Windows may write ``.JPG`` for ``.jpg``."""
        paths = [path for path in self.photographs.iterdir() if path.is_file()]
        there = Counter(path.name.casefold() for path in paths)
        listed = Counter(ends[0].casefold() for ends in self._ends.elements() if len(ends) == 1)
        return {name: path for path in paths if there[name := path.name.casefold()] == 1 >= listed[name]}

    @cached_property
    def _classes(self) -> dict[Any, int]:
        return {category: label for label, category in enumerate(sorted(self._coco.categories), start=1)}

    def _annotations(self, number: Any, path: Path) -> tuple[list[Entry], tuple[int, int]]:
        """The annotations of a photograph and its (height, width), in its upright frame."""
        image = self._coco.images[number]
        name, orientation = f"In {self.path}, image {number}", UPRIGHT
        if "height" not in image or "width" not in image:
            size = read_size(path).upright
        else:
            size = (int(image["height"]), int(image["width"]))
            if size[0] * size[1] > max_pixels():
                raise DatasetError(f"{name} is {size[1]}×{size[0]}, beyond the pixel limit; check its size.")
            if path.is_file():
                orientation = frame_of(size, f"{name} ({path.name})", path)
        found = [
            complete(annotation, size, f"In {self.path}, annotation {annotation['id']}", orientation)
            for annotation in self._coco.annotations[number]
        ]
        return found, size[::-1] if swaps_sides(orientation) else size

    def _read_labels(self, number: Any, path: Path, kinds: frozenset[LabelKind]) -> Labels:
        found, size = self._annotations(number, path)
        objects, crowds = ([a for a in found if bool(a["iscrowd"]) == crowd] for crowd in (False, True))
        boxes = Labels(boxes_xyxy=_boxes(objects), crowds_xyxy=_boxes(crowds))
        if kinds <= {LabelKind.BOXES}:
            return boxes
        if len(objects) >= VOID:
            raise DatasetError(
                f"{path.name} has {len(objects)} objects in {self.path}; at most 254 fit a map."
            )
        instances = self._paint(size, objects, crowds)
        table = np.zeros(256, np.uint8)
        table[VOID] = VOID
        table[1 : len(objects) + 1] = self._classes_of(objects)
        return replace(
            boxes,
            foreground=foreground_of(instances),
            classes=table[instances],
            instances=instances,
            masks=_masks(objects, crowds),
        )

    def _classes_of(self, annotations: list[Entry]) -> list[int]:
        labels = [self._classes[annotation["category_id"]] for annotation in annotations]
        if len(self._classes) < VOID:
            return labels
        return [sorted(set(labels)).index(label) + 1 for label in labels]  # all of LVIS's do not fit a map

    def _paint(
        self, size: tuple[int, int], objects: list[Entry], crowds: list[Entry]
    ) -> UInt8[np.ndarray, "height width"]:
        instances = np.zeros(size, np.uint8)
        for crowd in crowds:
            instances[self._mask(crowd)] = VOID
        masks = [self._mask(a) for a in objects]
        for label in sorted(range(len(masks)), key=lambda i: -masks[i].sum()):
            instances[masks[label]] = label + 1
        return instances

    def _mask(self, annotation: Entry) -> np.ndarray:
        if "segmentation" not in annotation:
            raise DatasetError(
                f"In {self.path}, annotation {annotation['id']} has no segmentation; choose a protocol of boxes "
                "(corloc, detection), or annotate its mask."
            )
        return np.asarray(run_lengths.decode(annotation["segmentation"]), dtype=bool)


def _masks(objects: list[Entry], crowds: list[Entry]) -> InstanceMasks:
    codes, of_crowds = (
        tuple(RunLengths.from_coco(a["segmentation"]) for a in some) for some in (objects, crowds)
    )
    return InstanceMasks(codes, tuple(float(a["area"]) for a in objects), of_crowds)


def _boxes(objects: list[Entry]) -> Float[np.ndarray, "object 4"]:
    boxes = np.array([a["bbox"] for a in objects], dtype=np.float64).reshape(-1, 4)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def _parts(name: str) -> tuple[str, ...]:
    """A file name's folders and its last part, whatever the system that it comes from."""
    return PurePosixPath(name.replace("\\", "/")).parts
