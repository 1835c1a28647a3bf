"""All masks by their scores, whatever their class, as COCO counts: all sizes and each size alone."""

import torch

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured, ObjectOverlaps
from slotlight.evaluation.protocols.precision import (
    CALIBRATION,
    overall_columns,
    precision_pool,
    size_columns,
)
from slotlight.evaluation.protocols.protocol import NATIVE, Protocol
from slotlight.formats.run_lengths import RunLengths, best_mask_overlap

_COLUMNS = (*overall_columns("mask", "masks"), *size_columns())


def measure_masks(found: Discovery, labels: Labels) -> Measured:
    """What was found and what is annotated, crowds apart; average precision is pooled over photographs."""
    masks, annotated = RunLengths.encode(found.masks), labels.instance_masks()
    scores = tuple(torch.as_tensor(found.scores).double().tolist())
    pixels = found.image.shape[0] * found.image.shape[1]
    overlaps = best_mask_overlap(masks, annotated.objects)
    return Measured(
        {},
        ObjectOverlaps(overlaps, tuple(mask.area() / pixels for mask in annotated.objects)),
        regions=metrics.ScoredRegions(
            "segm", masks, scores, annotated.objects, annotated.crowds, annotated.areas
        ),
    )


MASKS = Protocol(
    name="masks",
    summary="All masks by their scores, whatever their class, as COCO counts; crowds are ignored.",
    needs=frozenset({LabelKind.INSTANCES}),
    view=NATIVE,
    metrics=(*(column.metric for column in _COLUMNS), CALIBRATION),
    measure=measure_masks,
    pool=precision_pool(_COLUMNS),
)
