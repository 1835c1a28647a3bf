"""The objects of many photographs as every format takes them: one photograph at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from slotlight.formats.run_lengths import annotated_mask

OBJECT = "object"
"""The class of everything that is found without labels."""


@dataclass(frozen=True)
class FoundPhotograph:
    """The objects of one photograph, best first.

    Attributes:
        file: Its path or URL.
        file_name: What formats call it.
        name: A path without a suffix that is safe below any folder and belongs to no other photograph.
        image_id: Its number in COCO files.
        width: In pixels, upright; and so is ``height``.
        annotations: Its objects in COCO's form.
        cause: Why it could not be read; empty where it could.
        key: Its own id, where it has one.
    """

    file: str
    file_name: str
    name: str
    image_id: int
    width: int
    height: int
    annotations: Sequence[dict[str, Any]]
    cause: str = ""
    key: str = ""

    def each_mask(self) -> Iterator[Bool[np.ndarray, "height width"]]:
        """The mask of each object, one at a time."""
        return map(annotated_mask, self.annotations)

    def boxes_xyxy(self) -> Float[np.ndarray, "object 4"]:
        """In pixels; left and top inclusive, right and bottom exclusive."""
        boxes = np.array([annotation["bbox"] for annotation in self.annotations], np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return boxes

    def labels(self) -> UInt8[np.ndarray, "height width"]:
        """The objects as one map: 0 is no object, 1 the best-scored; where two overlap, the better one is seen."""
        labels = np.zeros((self.height, self.width), np.uint8)
        for number in reversed(range(min(len(self.annotations), 255))):
            labels[annotated_mask(self.annotations[number])] = number + 1
        return labels

    def certainty(self) -> float:
        """The mean score of its objects; 0 where none was found, because nothing speaks for that either."""
        scores = [float(annotation["score"]) for annotation in self.annotations]
        return round(sum(scores) / len(scores), 4) if scores else 0.0


@dataclass(frozen=True)
class Found:
    """What a run has found.

    Attributes:
        info: What decides the run's result, as plain values by name.
        read: Gives all photographs by file, those that failed too; the same ones at each call.
        classes: Names of COCO's categories, from 1.
    """

    info: Mapping[str, Any]
    read: Callable[[], Iterator[FoundPhotograph]]
    classes: tuple[str, ...] = (OBJECT,)

    def photographs(self) -> Iterator[FoundPhotograph]:
        """Those that could be read."""
        return (photograph for photograph in self.read() if not photograph.cause)

    def class_of(self, annotation: Mapping[str, Any]) -> str:
        """The name of an object's class."""
        return self.classes[int(annotation["category_id"]) - 1]
