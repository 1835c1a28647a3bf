"""FiftyOne's model: ``dataset.apply_model(load_model(), label_field="objects")`` finds objects with masks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone.core.models import Model
from jaxtyping import UInt8

from slotlight.config import EMBEDDED
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.formats.found import OBJECT
from slotlight.loading import load

Image = UInt8[np.ndarray, "height width 3"]


def download_model(model_name: str, model_path: str) -> None:
    """Leave the file that FiftyOne looks for; the weights come with the package."""
    Path(model_path).write_text(f"The weights of {model_name} are in the package slotlight.\n")


def load_model(
    model_name: str = "slotlight",  # noqa: ARG001
    model_path: str | None = None,  # noqa: ARG001
    *,
    model: str = EMBEDDED,
    device: str = "auto",
) -> "SlotlightModel":
    """Load a model for ``dataset.apply_model``; FiftyOne gives the first two arguments.

    Args:
        model_name: What FiftyOne's zoo calls it.
        model_path: The file that `download_model` left.
        model: As `slotlight.load` has it.
        device: auto, cpu, cuda, ...
    """
    return SlotlightModel(load(model, device=device))


class SlotlightModel(Model):
    """Finds objects in FiftyOne's samples, in photographs of any size.

    Args:
        discoverer: What finds them.
    """

    media_type = "image"
    ragged_batches = False  # they may be of several sizes all the same
    transforms = None
    preprocess = False

    def __init__(self, discoverer: Discoverer) -> None:
        self._discoverer = discoverer

    def predict(self, image: Image) -> fo.Detections:
        """The objects of one photograph."""
        return self.predict_all([image])[0]

    def predict_all(self, images: Sequence[Image]) -> list[fo.Detections]:
        """The objects of several photographs."""
        return [_detections(found) for found in self._discoverer.discover(list(images))]


def _detections(found: Discovery) -> fo.Detections:
    return fo.Detections(detections=[_detection(found, number) for number in range(len(found))])


def _detection(found: Discovery, number: int) -> Any:
    height, width = found.image.shape[:2]
    left, top, right, bottom = (int(value) for value in found.boxes_xyxy[number])
    return fo.Detection(
        label=OBJECT,
        confidence=float(found.scores[number]),
        bounding_box=[left / width, top / height, (right - left) / width, (bottom - top) / height],
        mask=found.masks[number, top:bottom, left:right],
    )
