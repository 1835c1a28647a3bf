"""CVAT's auto-annotation function: ``cvat-cli task auto-annotate ID --function-module slotlight.integrations.cvat``.

Parameters are given with ``-p``, such as ``-p model=str:voting``. The task needs a label *object* of the type mask (or
polygon, with ``--conv-mask-to-poly``).
"""

from collections.abc import Iterator
from dataclasses import replace

import cvat_sdk.auto_annotation as cvataa
import numpy as np
from cvat_sdk import models
from cvat_sdk.masks import encode_mask
from jaxtyping import Bool, Float
from PIL.Image import Image

from slotlight.config import EMBEDDED
from slotlight.discovery.discoverer import Discoverer
from slotlight.formats.found import OBJECT
from slotlight.formats.registry import check_installed
from slotlight.loading import load


class SlotlightFunction:
    """Finds the objects of each frame.

    Args:
        model: As `slotlight.load` has it, and so is ``device``.
    """

    def __init__(self, model: str = EMBEDDED, device: str = "auto") -> None:
        self._discoverer = load(model, device=device)

    @property
    def spec(self) -> cvataa.DetectionFunctionSpec:
        """One label, for objects of any kind."""
        return cvataa.DetectionFunctionSpec(labels=[cvataa.label_spec(OBJECT, 0, type="mask")])

    def detect(
        self, context: cvataa.DetectionFunctionContext, image: Image
    ) -> list[models.LabeledShapeRequest]:
        """The objects of a frame: a mask each, or where the context asks for them, a polygon for each part.

        Without a threshold in the context, objects below Slotlight's own are left out.
        """
        rule = self._discoverer.rule
        if context.conf_threshold is not None:
            rule = replace(rule, min_score=context.conf_threshold)
        found = Discoverer(self._discoverer.segmenter, rule=rule).discover(image)
        if not context.conv_mask_to_poly:
            objects = zip(found.masks, found.boxes_xyxy, strict=True)
            return [cvataa.mask(0, encode_mask(mask, box.tolist())) for mask, box in objects]
        check_installed(["coco-polygons"])
        return [
            shape for number, mask in enumerate(found.masks, start=1) for shape in _polygons(mask, number)
        ]


def _polygons(mask: Bool[np.ndarray, "height width"], group: int) -> Iterator[models.LabeledShapeRequest]:
    """A polygon for each part; the parts of one object are a group."""
    from slotlight.formats.polygons import edge_polygons

    parts: list[Float[np.ndarray, "_ 2"]] = edge_polygons(mask)
    for part in parts:
        yield cvataa.polygon(0, part.ravel().tolist(), group=group if len(parts) > 1 else 0)


create = SlotlightFunction
