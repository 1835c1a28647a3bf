"""Photographs and their labels → what heads learn from: features, and a class for every cell of a grid."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float16, UInt8
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.datasets import VOID, Dataset, LabelKind, Labels
from slotlight.datasets.label_files import foreground_of
from slotlight.features.cache import square_grid
from slotlight.features.stream import compute_features
from slotlight.images import RGBImage, resize
from slotlight.parallel import WORKERS, map_ahead, worker_pool

CELLS = 4
"""Cells of the labels along a side of a patch."""

_BATCH = 16


@dataclass(frozen=True)
class Lesson:
    """What a head learns from.

    Attributes:
        features: Of photographs squashed to squares, as slots are trained on them.
        labels: 0 background, 1… class, 255 void.
        grid: Rows and columns of patches.
    """

    features: Float16[Tensor, "photograph patch dim"]
    labels: UInt8[Tensor, "photograph rows columns"]
    grid: tuple[int, int]

    @property
    def classes(self) -> int:
        """Of the labels, background among them."""
        known = self.labels[self.labels != VOID]
        return max(2, int(known.max()) + 1 if len(known) else 0)


def label_kind(dataset: Dataset) -> LabelKind:
    """The kind of labels that heads learn from: the one that tells most."""
    kinds = (LabelKind.CLASSES, LabelKind.FOREGROUND, LabelKind.INSTANCES)
    return next(kind for kind in kinds if kind in dataset.label_kinds)


def read_lesson(taught: Dataset, backbone: Backbone, *, image_size: int, precision: Precision) -> Lesson:
    """Read photographs and labels, and compute the features.

    Raises:
        ImageError: A photograph cannot be read.
        DatasetError: A label cannot be read.
    """
    rows, columns = square_grid(image_size, backbone.patch_size)
    kind = label_kind(taught)

    def read(place: int) -> tuple[RGBImage, UInt8[np.ndarray, "rows columns"]]:
        sample = taught[place]
        image = sample.read_image()
        labels = sample.read_labels(frozenset({kind}))
        small = labels.squashed(image.shape[:2], (rows * CELLS, columns * CELLS))
        return resize(image, (rows * backbone.patch_size, columns * backbone.patch_size)), _map(small, kind)

    with worker_pool() as pool:
        pairs = list(map_ahead(pool, read, range(len(taught)), ahead=2 * WORKERS))
    images = [image for image, _ in pairs]
    features = [
        compute_features(images[start : start + _BATCH], backbone, precision)
        for start in range(0, len(images), _BATCH)
    ]
    labels = torch.from_numpy(np.stack([labels for _, labels in pairs]))
    return Lesson(torch.cat(features), labels, (rows, columns))


def _map(labels: Labels, kind: LabelKind) -> UInt8[np.ndarray, "rows columns"]:
    found = {
        LabelKind.CLASSES: labels.classes,
        LabelKind.FOREGROUND: labels.foreground,
        LabelKind.INSTANCES: labels.instances,
    }[kind]
    if found is None:
        raise ValueError(f"no {kind} were read")
    return foreground_of(found) if kind is LabelKind.INSTANCES else found
