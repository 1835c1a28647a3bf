"""The one highest-scored box of a photograph, as LOST and TokenCut report it."""

import torch

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.box_overlap import box_overlaps
from slotlight.evaluation.protocols.protocol import NATIVE, Metric, Protocol, required


def measure_corloc(found: Discovery, labels: Labels) -> Measured:
    """Whether the one highest-scored box hits; a photograph in which nothing was found is a miss."""
    annotated = torch.as_tensor(required(labels.boxes_xyxy)).double()[None]
    boxes = torch.as_tensor(found.boxes_xyxy).double()
    best = boxes[:1] if len(boxes) else torch.full((1, 4), -1.0, dtype=torch.float64)
    return Measured(
        {"CorLoc-1": float(metrics.one_box_corloc(best, annotated))},
        box_overlaps(best[None], annotated, found.image),
    )


CORLOC = Protocol(
    name="corloc",
    summary="The one highest-scored box of a photograph, as LOST and TokenCut report it.",
    needs=frozenset({LabelKind.BOXES}),
    view=NATIVE,
    metrics=(
        Metric(
            "CorLoc-1",
            "Share of photographs where the one box has an IoU of at least 0.5 with any annotated box.",
        ),
    ),
    measure=measure_corloc,
)
