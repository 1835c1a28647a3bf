"""Class-agnostic average precision and recall of scored boxes or masks, computed by faster-coco-eval.

An image's regions are kept as COCO keeps them (boxes, or run lengths for masks), so a whole dataset fits in
memory and into a report's JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from jaxtyping import Float
from torch import Tensor

from slotlight.errors import DatasetError
from slotlight.formats.run_lengths import RunLengths

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height."""

Region: TypeAlias = Box | RunLengths


@dataclass(frozen=True)
class AreaRange:
    """Objects of which area count, in pixels; both ends are inside. Other objects neither reward nor punish.

    Example:
        >>> COCO_SIZES["medium"].least ** 0.5, COCO_SIZES["medium"].most ** 0.5
        (32.0, 96.0)
    """

    least: float = 0.0
    most: float = 1e10

    def holds(self, area: float) -> bool:
        """Whether an area lies in the range."""
        return self.least <= area <= self.most


ALL_AREAS = AreaRange()
COCO_SIZES = {
    "small": AreaRange(0.0, 32.0**2),
    "medium": AreaRange(32.0**2, 96.0**2),
    "large": AreaRange(96.0**2, 1e10),
}
"""What COCO calls small, medium and large."""


@dataclass(frozen=True)
class ScoredRegions:
    """What was found in one image, and what is annotated there.

    Attributes:
        kind: ``bbox`` or ``segm``: whether all regions are boxes or masks.
        found: The predicted regions.
        scores: Their scores; higher is more certain.
        annotated: The annotated objects.
        crowds: Regions of many uncounted objects (COCO's ``iscrowd``): what is found inside is neither right
            nor wrong.
        areas: Of the annotated objects in pixels, where the annotation states them (COCO's ``area``); else each
            has the area of its region.
    """

    kind: Literal["bbox", "segm"]
    found: tuple[Region, ...]
    scores: tuple[float, ...]
    annotated: tuple[Region, ...]
    crowds: tuple[Region, ...] = ()
    areas: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.found) != len(self.scores):
            raise DatasetError(
                f"{len(self.found)} regions have {len(self.scores)} scores; give one score per region."
            )

    @classmethod
    def of_boxes(
        cls,
        found_xyxy: Float[Tensor, "found 4"],
        scores: Float[Tensor, " found"],
        annotated_xyxy: Float[Tensor, "object 4"],
        crowds_xyxy: Float[Tensor, "crowd 4"] | None = None,
    ) -> "ScoredRegions":
        """From boxes ``x1, y1, x2, y2`` whose right and bottom are exclusive."""
        crowds = () if crowds_xyxy is None else _boxes(crowds_xyxy)
        return cls("bbox", _boxes(found_xyxy), tuple(scores.tolist()), _boxes(annotated_xyxy), crowds)

    def annotated_areas(self) -> tuple[float, ...]:
        """The area of each annotated object."""
        return self.areas if self.areas is not None else tuple(map(region_area, self.annotated))


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's figures with all objects one class; NaN where a dataset has no objects.

    Attributes:
        ap: Average precision, mean over IoU 0.50, 0.55 … 0.95.
        ap50: The same at IoU 0.50.
        ap75: The same at IoU 0.75.
        ar_1: Average recall over those IoUs with the highest-scored region of each image.
        ar_10: The same with the highest-scored 10.
        ar_100: The same with the highest-scored 100.
        objects: How many annotated objects counted.
        precision: Precision at IoU 0.50 when recall is 0, 0.01 … 1; 0 for recalls never reached.
        thresholds: The score at which each of those recalls is reached; 0 for recalls never reached.
    """

    ap: float
    ap50: float
    ap75: float
    ar_1: float
    ar_10: float
    ar_100: float
    objects: int
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]


def average_precision(images: Sequence[ScoredRegions], area: AreaRange = ALL_AREAS) -> AveragePrecision:
    """AP and AR of a dataset, images pooled: regions are matched by falling score, one object to one region.

    Images without objects count: whatever is found there is wrong. Of two regions of one score, the one given
    first (earlier image, then earlier region) goes first. Crowds neither reward nor punish, and neither do
    objects outside the range of areas and unmatched regions outside it.

    Raises:
        DatasetError: No image is given, or boxes and masks are mixed.

    Source:
        COCO's evaluation (Lin et al., 2014) without categories, as CutLER (Wang et al., 2023) reports it. A mask has
        the area of its pixels, as with results that hold masks alone; from results that hold boxes too, pycocotools
        takes the boxes' areas, and detectron2 leaves them out for that reason.

    Example:
        >>> import torch
        >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> average_precision([ScoredRegions.of_boxes(box, torch.tensor([0.9]), box)]).ap
        1.0
    """
    kinds = {image.kind for image in images}
    if len(kinds) != 1:
        raise DatasetError(
            f"Average precision takes images of one kind, boxes or masks; it was given {len(kinds)}."
        )
    objects = sum(area.holds(size) for image in images for size in image.annotated_areas())
    if not objects:
        nan = float("nan")
        return AveragePrecision(nan, nan, nan, nan, nan, nan, 0, (), ())
    evaluator = _evaluate(images, kinds.pop(), area)
    # Axes: IoU, recall (of the precision alone), class, area, most regions.
    precision = np.maximum(evaluator.eval["precision"][:, :, 0, 0, -1], 0)
    recall = evaluator.eval["recall"][:, 0, 0, :]
    return AveragePrecision(
        ap=float(precision.mean()),
        ap50=float(precision[0].mean()),
        ap75=float(precision[5].mean()),
        ar_1=float(recall[:, 0].mean()),
        ar_10=float(recall[:, 1].mean()),
        ar_100=float(recall[:, 2].mean()),
        objects=objects,
        precision=tuple(precision[0].tolist()),
        thresholds=tuple(np.maximum(evaluator.eval["scores"][0, :, 0, 0, -1], 0).tolist()),
    )


def _evaluate(images: Sequence[ScoredRegions], kind: str, area: AreaRange) -> Any:
    truth, found = COCO(), COCO()
    # COCO's records are dictionaries; ids start at 1 because 0 means "unmatched" inside the evaluation.
    # Images must have a size, but only polygons read it.
    header: dict[str, Any] = {
        "images": [{"id": i, "height": 0, "width": 0} for i in range(1, len(images) + 1)],
        "categories": [{"id": 1, "name": "object"}],
    }
    truth.dataset = header | {"annotations": list(_numbered(_annotations(images)))}
    found.dataset = header | {"annotations": list(_numbered(_detections(images)))}
    truth.createIndex()
    found.createIndex()
    evaluator = COCOeval_faster(truth, found, kind, print_function=_silent)
    evaluator.params.maxDets = [1, 10, 100]
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [[area.least, area.most]], ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator


def _annotations(images: Sequence[ScoredRegions]) -> Iterator[dict[str, Any]]:
    for i, image in enumerate(images, start=1):
        for region, size in zip(image.annotated, image.annotated_areas(), strict=True):
            yield _record(region, i) | {"iscrowd": 0, "area": size}
        yield from (_record(region, i) | {"iscrowd": 1} for region in image.crowds)


def _detections(images: Sequence[ScoredRegions]) -> Iterator[dict[str, Any]]:
    for i, image in enumerate(images, start=1):
        yield from (_record(r, i) | {"score": s} for r, s in zip(image.found, image.scores, strict=True))


def _record(region: Region, image: int) -> dict[str, Any]:
    kind = "segmentation" if isinstance(region, RunLengths) else "bbox"
    return {"image_id": image, "category_id": 1, "area": region_area(region), kind: region_code(region)}


def region_code(region: Region) -> dict[str, Any] | list[float]:
    """A box or mask as COCO's functions take it."""
    return region.to_coco() if isinstance(region, RunLengths) else list(region)


def region_area(region: Region) -> float:
    """The area of a box or mask in pixels."""
    return region.area() if isinstance(region, RunLengths) else region[2] * region[3]


def _numbered(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (record | {"id": i} for i, record in enumerate(records, start=1))


def _boxes(xyxy: Float[Tensor, "region 4"]) -> tuple[Box, ...]:
    return tuple((x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in xyxy.double().tolist())


def _silent(*_: object) -> None:
    """The evaluation's own messages say nothing that its result does not."""
