"""All boxes by their scores, whatever their class, as COCO counts."""

import torch

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.box_overlap import box_overlaps
from slotlight.evaluation.protocols.precision import CALIBRATION, overall_columns, precision_pool
from slotlight.evaluation.protocols.protocol import NATIVE, Protocol, required


def measure_detection(found: Discovery, labels: Labels) -> Measured:
    """What was found and what is annotated, crowds apart; average precision is pooled over photographs."""
    annotated = torch.as_tensor(required(labels.boxes_xyxy)).double()
    crowds = None if labels.crowds_xyxy is None else torch.as_tensor(labels.crowds_xyxy).double()
    boxes, scores = torch.as_tensor(found.boxes_xyxy).double(), torch.as_tensor(found.scores).double()
    return Measured(
        {},
        box_overlaps(boxes[None], annotated[None], found.image),
        regions=metrics.ScoredRegions.of_boxes(boxes, scores, annotated, crowds),
    )


_COLUMNS = tuple(column for column in overall_columns("box", "boxes") if column.metric.name != "AP75")

DETECTION = Protocol(
    name="detection",
    summary="All boxes by their scores, whatever their class, as COCO counts.",
    needs=frozenset({LabelKind.BOXES}),
    view=NATIVE,
    metrics=(*(column.metric for column in _COLUMNS), CALIBRATION),
    measure=measure_detection,
    pool=precision_pool(_COLUMNS),
)
