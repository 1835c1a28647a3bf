"""Every slot against every single object."""

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.mask_overlap import mask_overlaps
from slotlight.evaluation.protocols.protocol import NATIVE, Metric, Protocol, as_batch, required


def measure_instances(found: Discovery, labels: Labels) -> Measured:
    """Overlaps of instances and of classes, FG-ARI, mIoU without background; void pixels are left out."""
    slots = as_batch(found.segments)
    counts = metrics.confusion_matrix(slots, as_batch(required(labels.instances)))
    values = {
        "mBO_i": float(metrics.best_overlap(counts, count_void=False)),
        "mBO_c": float("nan"),
        "FG-ARI": float(metrics.foreground_rand_index(counts)),
        "mIoU": float(metrics.hungarian_iou(counts, background=False, count_void=False)),
    }
    if labels.classes is not None:
        by_class = metrics.confusion_matrix(slots, as_batch(labels.classes))
        values["mBO_c"] = float(metrics.best_overlap(by_class, count_void=False))
    return Measured(values, mask_overlaps(counts, count_void=False))


INSTANCES = Protocol(
    name="instances",
    summary="Every slot against every single object; void pixels are left out.",
    needs=frozenset({LabelKind.INSTANCES}),
    welcomes=frozenset({LabelKind.CLASSES}),
    view=NATIVE,
    metrics=(
        Metric("mBO_i", "Mean over objects of the best IoU that any slot has with the object."),
        Metric("mBO_c", "The same with all objects of a class taken as one."),
        Metric(
            "FG-ARI", "How far slots and objects agree on which object pixels belong together; chance is 0."
        ),
        Metric("mIoU", "Mean IoU of the objects, each matched to one slot of its own."),
    ),
    measure=measure_instances,
    shows_slots=True,
)
