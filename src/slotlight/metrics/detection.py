"""Class-agnostic average precision and recall of scored boxes or masks, computed by faster-coco-eval.

An image's regions are kept as COCO keeps them (boxes, or run lengths for masks), so a whole dataset fits in
memory and into a report's JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval.core import mask as run_lengths
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from slotlight.errors import DatasetError

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height."""


@dataclass(frozen=True)
class RunLengths:
    """One mask, encoded by COCO's run lengths."""

    size: tuple[int, int]
    counts: str

    def area(self) -> float:
        """Pixels of the mask."""
        return float(run_lengths.area([{"size": list(self.size), "counts": self.counts.encode()}])[0])


@dataclass(frozen=True)
class ScoredRegions:
    """What was found in one image, and what is there.

    Attributes:
        kind: ``bbox`` or ``segm``: whether all regions are boxes or masks.
        found: The predicted regions.
        scores: Their scores, higher is surer.
        annotated: The true objects.
        crowds: Regions of many uncounted objects (COCO's ``iscrowd``): what is found inside is neither right
            nor wrong.
    """

    kind: Literal["bbox", "segm"]
    found: tuple[Box | RunLengths, ...]
    scores: tuple[float, ...]
    annotated: tuple[Box | RunLengths, ...]
    crowds: tuple[Box | RunLengths, ...] = ()

    def __post_init__(self) -> None:
        if len(self.found) != len(self.scores):
            raise DatasetError(
                f"{len(self.found)} regions have {len(self.scores)} scores; give one score a region."
            )

    @classmethod
    def of_boxes(
        cls,
        found_xyxy: Float[Tensor, "found 4"],
        scores: Float[Tensor, " found"],
        annotated_xyxy: Float[Tensor, "object 4"],
    ) -> "ScoredRegions":
        """From boxes ``x1, y1, x2, y2`` whose right and bottom are exclusive."""
        return cls("bbox", _boxes(found_xyxy), tuple(scores.tolist()), _boxes(annotated_xyxy))

    @classmethod
    def of_masks(
        cls,
        found: Bool[Tensor, "found height width"],
        scores: Float[Tensor, " found"],
        annotated: Bool[Tensor, "object height width"],
    ) -> "ScoredRegions":
        """From binary masks."""
        return cls("segm", _masks(found), tuple(scores.tolist()), _masks(annotated))


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's figures with all objects one class; NaN where a dataset has no objects.

    Attributes:
        ap: Average precision, mean over IoU 0.50, 0.55 … 0.95.
        ap50: The same at IoU 0.50.
        ap75: The same at IoU 0.75.
        ar_1: Average recall over those IoUs with the surest region of each image.
        ar_10: The same with the surest 10.
        ar_100: The same with the surest 100.
        precision: Precision at IoU 0.50 when recall is 0, 0.01 … 1; 0 for recalls never reached.
        thresholds: The score at which each of those recalls is reached; 0 for recalls never reached.
    """

    ap: float
    ap50: float
    ap75: float
    ar_1: float
    ar_10: float
    ar_100: float
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]


def average_precision(images: Sequence[ScoredRegions]) -> AveragePrecision:
    """AP and AR of a dataset, images pooled: regions are matched by falling score, one object to one region.

    Images without objects count: whatever is found there is wrong. Of two regions of one score, the one given
    first (earlier image, then earlier region) goes first. All sizes of object count; crowds neither reward
    nor punish.

    Raises:
        DatasetError: No image is given, or boxes and masks are mixed.

    Source:
        COCO's evaluation (Lin et al., 2014) without categories, as CutLER (Wang et al., 2023) reports it.

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
    if not any(image.annotated for image in images):
        nan = float("nan")
        return AveragePrecision(nan, nan, nan, nan, nan, nan, (), ())
    evaluator = _evaluate(images, kinds.pop())
    precision = np.maximum(
        evaluator.eval["precision"][:, :, 0, 0, -1], 0
    )  # IoU, recall, class, area, most regions
    recall = evaluator.eval["recall"][:, 0, 0, :]  # IoU, class, area, most regions
    return AveragePrecision(
        ap=float(precision.mean()),
        ap50=float(precision[0].mean()),
        ap75=float(precision[5].mean()),
        ar_1=float(recall[:, 0].mean()),
        ar_10=float(recall[:, 1].mean()),
        ar_100=float(recall[:, 2].mean()),
        precision=tuple(precision[0].tolist()),
        thresholds=tuple(np.maximum(evaluator.eval["scores"][0, :, 0, 0, -1], 0).tolist()),
    )


def _evaluate(images: Sequence[ScoredRegions], kind: str) -> Any:
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
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator


def _annotations(images: Sequence[ScoredRegions]) -> Iterator[dict[str, Any]]:
    for i, image in enumerate(images, start=1):
        yield from (_record(region, i) | {"iscrowd": 0} for region in image.annotated)
        yield from (_record(region, i) | {"iscrowd": 1} for region in image.crowds)


def _detections(images: Sequence[ScoredRegions]) -> Iterator[dict[str, Any]]:
    for i, image in enumerate(images, start=1):
        yield from (_record(r, i) | {"score": s} for r, s in zip(image.found, image.scores, strict=True))


def _record(region: Box | RunLengths, image: int) -> dict[str, Any]:
    common = {"image_id": image, "category_id": 1}
    if isinstance(region, RunLengths):
        code = {"size": list(region.size), "counts": region.counts.encode()}
        return common | {"segmentation": code, "area": region.area()}
    return common | {"bbox": list(region), "area": region[2] * region[3]}


def _numbered(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (record | {"id": i} for i, record in enumerate(records, start=1))


def _boxes(xyxy: Float[Tensor, "region 4"]) -> tuple[Box, ...]:
    return tuple((x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in xyxy.double().tolist())


def _masks(masks: Bool[Tensor, "region height width"]) -> tuple[RunLengths, ...]:
    height, width = masks.shape[1:]
    # Run lengths go down columns: laid out so, the encoder need not copy.
    columns: NDArray[np.uint8] = masks.byte().transpose(1, 2).contiguous().cpu().numpy().transpose(2, 1, 0)
    return tuple(RunLengths((height, width), code["counts"].decode()) for code in run_lengths.encode(columns))


def _silent(*_: object) -> None:
    """The evaluation's own messages say nothing that its result does not."""
