"""The paper's three figures on class masks, image and label squashed alike; and as its authors' script has them."""

import numpy as np
from jaxtyping import UInt8

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.mask_overlap import mask_overlaps
from slotlight.evaluation.protocols.protocol import Metric, Protocol, View, as_batch, required
from slotlight.images import RGBImage, resize

SIDE = 320
_MEAN_COLOUR = np.array([124, 116, 104], np.uint8)  # ImageNet's mean: 0 once normalised, the authors' padding


def _squash(image: RGBImage) -> UInt8[np.ndarray, "320 320 3"]:
    return resize(image, (SIDE, SIDE))


def _centre_crop(image: RGBImage) -> UInt8[np.ndarray, "320 320 3"]:
    """The middle 320×320 of a photograph; a smaller one is padded with the mean colour first."""
    missing = [max(SIDE - side, 0) for side in image.shape[:2]]
    height, width = (side + gap for side, gap in zip(image.shape[:2], missing, strict=True))
    padded = np.broadcast_to(_MEAN_COLOUR, (height, width, 3)).copy()
    top, left = (gap // 2 for gap in missing)
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    top, left = (round((side - SIDE) / 2) for side in (height, width))
    return padded[top : top + SIDE, left : left + SIDE]


def _squash_labels(labels: Labels, size: tuple[int, int]) -> Labels:
    return labels.squashed(size, (SIDE, SIDE))


def measure_paper(found: Discovery, labels: Labels) -> Measured:
    """As the paper's release computes them: void stays in unions, the best of all boxes counts."""
    slots, classes = as_batch(found.segments), as_batch(required(labels.classes))
    counts = metrics.confusion_matrix(slots, classes)
    slot_boxes = metrics.label_boxes(slots, int(slots.max()) + 1, inclusive=True)
    class_boxes = metrics.label_boxes(classes, counts.counts.shape[2], inclusive=True)[:, 1:]
    return Measured(
        {
            "mIoU": float(metrics.hungarian_iou(counts, background=True, count_void=True)),
            "mBO": float(metrics.best_overlap(counts, count_void=True)),
            "CorLoc": float(metrics.best_box_corloc(slot_boxes, class_boxes)),
        },
        mask_overlaps(counts, count_void=True),
    )


_METRICS = (
    Metric("mIoU", "Mean IoU of the classes, background too, each matched to one slot of its own."),
    Metric("mBO", "Mean over classes, without background, of the best IoU that any slot has with the class."),
    Metric(
        "CorLoc",
        "Share of photographs where any slot's box, the best of all, has an IoU above 0.5 with a class's box.",
    ),
)

PAPER = Protocol(
    name="paper",
    summary="Class masks as in Masked Multi-Query Slot Attention, image and label squashed alike.",
    needs=frozenset({LabelKind.CLASSES}),
    view=View("image and label squashed to 320×320", image=_squash, labels=_squash_labels),
    metrics=_METRICS,
    measure=measure_paper,
    shows_slots=True,
)

PAPER_AS_RELEASED = Protocol(
    name="paper-as-released",
    summary="The same as the authors' script computes it: the image is cropped, its label squashed.",
    needs=frozenset({LabelKind.CLASSES}),
    view=View("image centre-cropped to 320×320, label squashed to 320×320", _centre_crop, _squash_labels),
    metrics=_METRICS,
    measure=measure_paper,
    shows_slots=True,
)
