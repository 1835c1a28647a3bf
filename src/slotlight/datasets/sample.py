"""One photograph and its labels, both read only when asked; what every dataset gives.

Every label map is 8-bit in the photograph's own size: 0 is background (or no object), 255 is void.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from slotlight.datasets.label_files import VOID as VOID
from slotlight.discovery.segments import mask_boxes_xyxy
from slotlight.files import digest, file_digest, stamp
from slotlight.formats.run_lengths import RunLengths
from slotlight.images import RGBImage


class LabelKind(StrEnum):
    """What a dataset can know about its photographs, and a protocol can ask of it."""

    FOREGROUND = "foreground masks"
    CLASSES = "class masks"
    INSTANCES = "instance masks"
    BOXES = "boxes"


@dataclass(frozen=True)
class InstanceMasks:
    """Each annotated object by itself; unlike in a map, objects may overlap.

    Attributes:
        objects: One mask for each object.
        areas: Of each object in pixels, as the annotation states it.
        crowds: Regions of many uncounted objects.
    """

    objects: tuple[RunLengths, ...]
    areas: tuple[float, ...]
    crowds: tuple[RunLengths, ...] = ()


@dataclass(frozen=True)
class Labels:
    """The truth about one photograph, as far as it was asked for and is known.

    Attributes:
        foreground: 0 background, 1 any object, 255 void.
        classes: 0 background, 1… class, 255 void.
        instances: 0 background, 1… object, 255 void.
        boxes_xyxy: Of each annotated object, in pixels, right and bottom exclusive.
        crowds_xyxy: The boxes of regions of many uncounted objects, which are neither right nor wrong to find.
        masks: The objects one by one, where they are annotated so and not as a map.
    """

    foreground: UInt8[np.ndarray, "height width"] | None = None
    classes: UInt8[np.ndarray, "height width"] | None = None
    instances: UInt8[np.ndarray, "height width"] | None = None
    boxes_xyxy: Float[np.ndarray, "object 4"] | None = None
    crowds_xyxy: Float[np.ndarray, "crowd 4"] | None = None
    masks: InstanceMasks | None = None

    def instance_masks(self) -> InstanceMasks:
        """The objects one by one: as they are annotated, or read off the map of instances."""
        if self.masks is not None:
            return self.masks
        if self.instances is None:
            raise ValueError("no instance masks were asked for")
        masks = tuple(RunLengths.encode(mask)[0] for mask in _objects_of(self.instances))
        return InstanceMasks(masks, tuple(mask.area() for mask in masks))

    def squashed(self, native: tuple[int, int], size: tuple[int, int]) -> "Labels":
        """The labels of the photograph squashed from its native (height, width) to another.

        Maps take the nearest label, so that none is invented.
        """
        boxes = self.boxes_xyxy
        return Labels(
            foreground=_squash_map(self.foreground, size),
            classes=_squash_map(self.classes, size),
            instances=_squash_map(self.instances, size),
            boxes_xyxy=None if boxes is None else boxes * ([size[1] / native[1], size[0] / native[0]] * 2),
        )


@dataclass(frozen=True)
class Sample:
    """A photograph of a dataset.

    Attributes:
        id: Its name in the dataset, unique there.
        read_image: Reads it, upright RGB in its native size.
        read_labels: Reads the kinds of labels asked for, and no others.
        identity: A hash that changes when the photograph or any of its labels does; values measured of other
            contents are never taken for this one's.
    """

    id: str
    read_image: Callable[[], RGBImage]
    read_labels: Callable[[frozenset[LabelKind]], Labels]
    identity: Callable[[], str]


@runtime_checkable
class Dataset(Protocol):
    """Photographs in a fixed order, and the kinds of labels that they have."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def split(self) -> str:
        """Which part of it this is."""
        ...

    @property
    def label_kinds(self) -> frozenset[LabelKind]:
        """What `Sample.read_labels` can be asked for."""
        ...

    def __len__(self) -> int:
        """How many photographs."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """One of them, nothing read yet."""
        ...


def files_identity(photograph: Path, labels: Iterable[Path], *settings: object) -> str:
    """`Sample.identity` of files: the photograph's stamp, its labels' contents, and how they are read."""
    contents = [file_digest(path) if path.is_file() else None for path in labels]
    return digest(stamp(photograph), contents, settings)


def boxes_of_instances(
    instances: UInt8[np.ndarray, "height width"],
) -> Float[np.ndarray, "object 4"]:
    """The box around each object's visible pixels, in the order of their numbers."""
    return np.concatenate([np.empty((0, 4)), *map(mask_boxes_xyxy, _objects_of(instances))])


def _objects_of(instances: UInt8[np.ndarray, "height width"]) -> Iterator[Bool[np.ndarray, "1 height width"]]:
    """The mask of each object of a map, in the order of their numbers; one at a time, for they may be many."""
    return ((instances == number)[None] for number in np.unique(instances) if number not in (0, VOID))


def _squash_map(
    labels: UInt8[np.ndarray, "height width"] | None, size: tuple[int, int]
) -> UInt8[np.ndarray, "height2 width2"] | None:
    if labels is None:
        return None
    return np.asarray(Image.fromarray(labels).resize((size[1], size[0]), Image.Resampling.NEAREST))
