"""The six named ways to measure, each an object that can be read in one place.

Numbers of this field are seldom comparable: image or label cropped or squashed, class or instance masks,
background counted or not, void ignored or not, the best of all boxes or the one best box. A protocol fixes
all of that, and its name goes beside every number. Values are shares in [0, 1] (ARI may fall below 0).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from slotlight.datasets.sample import Dataset, LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.evaluation.measuring import (
    Measured,
    measure_corloc,
    measure_detection,
    measure_instances,
    measure_paper,
    measure_saliency,
    pool_detection,
    pool_saliency,
    weighted_detection,
    weighted_saliency,
)
from slotlight.images import RGBImage, resize

PAPER_SIZE = 320
_MEAN_COLOUR = np.array([124, 116, 104], np.uint8)  # ImageNet's mean: 0 once normalised, the authors' padding


@dataclass(frozen=True)
class Metric:
    """A column of a table.

    Attributes:
        name: Its heading.
        meaning: One sentence for the report.
        pooled: Whether it is computed from all images at once, so that no image has a value of its own.
    """

    name: str
    meaning: str
    pooled: bool = False


@dataclass(frozen=True)
class View:
    """What a model is shown of a photograph, and which labels that is held against.

    Protocols that share a view share the model's work.

    Attributes:
        resolution: In words, for the report.
        image: The photograph as the model is shown it.
        labels: The labels as they are held against it, given the photograph's (height, width).
    """

    resolution: str
    image: Callable[[RGBImage], RGBImage]
    labels: Callable[[Labels, tuple[int, int]], Labels]


@dataclass(frozen=True)
class Pool:
    """How a protocol's pooled metrics are computed, by their names.

    Attributes:
        figures: Of all images.
        weighted: Under each of many draws of the images' weights, for intervals and tests.
    """

    figures: Callable[[Sequence[Measured]], dict[str, float]]
    weighted: Callable[
        [Sequence[Measured], Float[np.ndarray, "draw image"]], dict[str, Float[np.ndarray, " draw"]]
    ]


@dataclass(frozen=True)
class Protocol:
    """A named way to measure.

    Attributes:
        name: As it is asked for and printed.
        summary: One sentence.
        needs: Kinds of labels without which it cannot be.
        welcomes: Kinds of labels that it uses if they are there.
        view: What the model is shown.
        metrics: The columns of its table.
        measure: One image's values.
        pool: The pooled metrics, if it has any.
    """

    name: str
    summary: str
    needs: frozenset[LabelKind]
    view: View
    metrics: tuple[Metric, ...]
    measure: Callable[[Discovery, Labels], Measured]
    pool: Pool | None = None
    welcomes: frozenset[LabelKind] = frozenset()

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that lacks the needed labels.

        Raises:
            DatasetError: One sentence: what is lacking, and which protocols would do.
        """
        lacking = self.needs - dataset.label_kinds
        if lacking:
            able = [p.name for p in PROTOCOLS.values() if p.needs <= dataset.label_kinds]
            raise DatasetError(
                f"The protocol {self.name!r} needs {' and '.join(sorted(lacking))}, which {dataset.name} "
                f"({dataset.split}) lacks; protocols that it allows: {', '.join(able) or 'none'}."
            )


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def _squash(image: RGBImage) -> UInt8[np.ndarray, "320 320 3"]:
    return resize(image, (PAPER_SIZE, PAPER_SIZE))


def _centre_crop(image: RGBImage) -> UInt8[np.ndarray, "320 320 3"]:
    """The middle 320×320 of a photograph; a smaller one is padded with the mean colour first."""
    missing = [max(PAPER_SIZE - side, 0) for side in image.shape[:2]]
    height, width = (side + gap for side, gap in zip(image.shape[:2], missing, strict=True))
    padded = np.broadcast_to(_MEAN_COLOUR, (height, width, 3)).copy()
    top, left = (gap // 2 for gap in missing)
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    top, left = (round((side - PAPER_SIZE) / 2) for side in (height, width))
    return padded[top : top + PAPER_SIZE, left : left + PAPER_SIZE]


def _squash_labels(labels: Labels, size: tuple[int, int]) -> Labels:
    return labels.squashed(size, (PAPER_SIZE, PAPER_SIZE))


_NATIVE = View("native size", image=lambda image: image, labels=lambda labels, _: labels)
_SQUASHED = View("image and label squashed to 320×320", image=_squash, labels=_squash_labels)
_CROPPED = View("image centre-cropped to 320×320, label squashed to 320×320", _centre_crop, _squash_labels)

_PAPER_METRICS = (
    Metric("mIoU", "Mean IoU of the classes, background too, each matched to one slot of its own."),
    Metric("mBO", "Mean over classes, without background, of the best IoU that any slot has with the class."),
    Metric(
        "CorLoc",
        "Share of photographs where any slot's box, the best of all, has an IoU above 0.5 with a class's box.",
    ),
)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="paper",
            summary="Class masks as in Masked Multi-Query Slot Attention, image and label squashed alike.",
            needs=frozenset({LabelKind.CLASSES}),
            view=_SQUASHED,
            metrics=_PAPER_METRICS,
            measure=measure_paper,
        ),
        Protocol(
            name="paper-as-released",
            summary="The same as the authors' script computes it: the image is cropped, its label squashed.",
            needs=frozenset({LabelKind.CLASSES}),
            view=_CROPPED,
            metrics=_PAPER_METRICS,
            measure=measure_paper,
        ),
        Protocol(
            name="instances",
            summary="Every slot against every single object; void pixels are left out.",
            needs=frozenset({LabelKind.INSTANCES}),
            welcomes=frozenset({LabelKind.CLASSES}),
            view=_NATIVE,
            metrics=(
                Metric("mBO_i", "Mean over objects of the best IoU that any slot has with the object."),
                Metric("mBO_c", "The same with all objects of a class taken as one."),
                Metric(
                    "FG-ARI",
                    "How far slots and objects agree on which object pixels belong together; chance is 0.",
                ),
                Metric("mIoU", "Mean IoU of the objects, each matched to one slot of its own."),
            ),
            measure=measure_instances,
        ),
        Protocol(
            name="corloc",
            summary="The one highest-scored box of a photograph, as LOST and TokenCut report it.",
            needs=frozenset({LabelKind.BOXES}),
            view=_NATIVE,
            metrics=(
                Metric(
                    "CorLoc-1",
                    "Share of photographs where the one box has an IoU of at least 0.5 with any annotated box.",
                ),
            ),
            measure=measure_corloc,
        ),
        Protocol(
            name="detection",
            summary="All boxes by their scores, whatever their class, as COCO counts.",
            needs=frozenset({LabelKind.BOXES}),
            view=_NATIVE,
            metrics=(
                Metric(
                    "AP", "Average precision of the scored boxes, mean over IoU 0.50 to 0.95.", pooled=True
                ),
                Metric("AP50", "Average precision where an IoU of 0.50 is enough.", pooled=True),
                Metric("AR@1", "Average recall with the best box of each photograph.", pooled=True),
                Metric("AR@10", "Average recall with the best ten.", pooled=True),
                Metric("AR@100", "Average recall with the best hundred.", pooled=True),
            ),
            measure=measure_detection,
            pool=Pool(pool_detection, weighted_detection),
        ),
        Protocol(
            name="saliency",
            summary="All objects together against the foreground.",
            needs=frozenset({LabelKind.FOREGROUND}),
            view=_NATIVE,
            metrics=(
                Metric("IoU", "IoU of the union of all objects with the foreground."),
                Metric("accuracy", "Share of pixels rightly called object or background."),
                Metric(
                    "max F-beta", "F-beta (0.3) of the scored map at the one best threshold.", pooled=True
                ),
            ),
            measure=measure_saliency,
            pool=Pool(pool_saliency, weighted_saliency),
        ),
    )
}
