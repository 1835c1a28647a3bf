"""All masks by their scores, whatever their class, as COCO counts: all sizes and each size alone."""

import torch

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured, ObjectOverlaps
from slotlight.evaluation.protocols.precision import EVERYTHING, precision_pool
from slotlight.evaluation.protocols.protocol import NATIVE, Metric, Protocol
from slotlight.formats.run_lengths import RunLengths, best_mask_overlap

_SIZES = metrics.COCO_SIZES
_RANGES = {
    "small": "below 32² pixels",
    "medium": "of 32² to 96² pixels",
    "large": "above 96² pixels",
}


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
    metrics=(
        Metric("AP", "Average precision of the scored masks, mean over IoU 0.50 to 0.95.", pooled=True),
        Metric("AP50", "Average precision where an IoU of 0.50 is enough.", pooled=True),
        Metric("AP75", "Average precision where an IoU of 0.75 is needed.", pooled=True),
        Metric("AR@1", "Average recall with the best mask of each photograph.", pooled=True),
        Metric("AR@10", "Average recall with the best ten.", pooled=True),
        Metric("AR@100", "Average recall with the best hundred.", pooled=True),
        *(Metric(f"AP {size}", f"AP of objects {what}.", pooled=True) for size, what in _RANGES.items()),
        *(Metric(f"AR {size}", f"AR@100 of objects {what}.", pooled=True) for size, what in _RANGES.items()),
    ),
    measure=measure_masks,
    pool=precision_pool(
        {
            "AP": ("ap", EVERYTHING),
            "AP50": ("ap50", EVERYTHING),
            "AP75": ("ap75", EVERYTHING),
            "AR@1": ("ar_1", EVERYTHING),
            "AR@10": ("ar_10", EVERYTHING),
            "AR@100": ("ar_100", EVERYTHING),
            **{f"AP {size}": ("ap", area) for size, area in _SIZES.items()},
            **{f"AR {size}": ("ar_100", area) for size, area in _SIZES.items()},
        }
    ),
)
