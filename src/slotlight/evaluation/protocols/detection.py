"""All boxes by their scores, whatever their class, as COCO counts."""

import torch

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.box_overlap import box_overlaps
from slotlight.evaluation.protocols.precision import EVERYTHING, precision_pool
from slotlight.evaluation.protocols.protocol import NATIVE, Metric, Protocol, required


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


DETECTION = Protocol(
    name="detection",
    summary="All boxes by their scores, whatever their class, as COCO counts.",
    needs=frozenset({LabelKind.BOXES}),
    view=NATIVE,
    metrics=(
        Metric("AP", "Average precision of the scored boxes, mean over IoU 0.50 to 0.95.", pooled=True),
        Metric("AP50", "Average precision where an IoU of 0.50 is enough.", pooled=True),
        Metric("AR@1", "Average recall with the best box of each photograph.", pooled=True),
        Metric("AR@10", "Average recall with the best ten.", pooled=True),
        Metric("AR@100", "Average recall with the best hundred.", pooled=True),
    ),
    measure=measure_detection,
    pool=precision_pool(
        {
            "AP": ("ap", EVERYTHING),
            "AP50": ("ap50", EVERYTHING),
            "AR@1": ("ar_1", EVERYTHING),
            "AR@10": ("ar_10", EVERYTHING),
            "AR@100": ("ar_100", EVERYTHING),
        }
    ),
)
