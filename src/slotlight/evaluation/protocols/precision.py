"""Average precision and recall, and the error of the scores, as columns of a table, for boxes and for masks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Num

from slotlight import metrics
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.protocol import Metric, Pool

_EVERYTHING = metrics.AreaRange()
CALIBRATION = Metric(
    "ECE",
    "Expected calibration error: how far scores are from the share of objects that are right (IoU of at least 0.5), "
    "mean over objects by tenths of the score; lower is better.",
    pooled=True,
    lower_is_better=True,
)
_SIZES = {"small": "below 32² pixels", "medium": "of 32² to 96² pixels", "large": "above 96² pixels"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        metric: Its name and meaning.
        field: What of `slotlight.metrics.AveragePrecision` it shows.
        area: Which objects it is about.
    """

    metric: Metric
    field: str
    area: metrics.AreaRange = _EVERYTHING


def overall_columns(region: str, regions: str) -> tuple[Column, ...]:
    """COCO's metrics over objects of all sizes; the two words are what is scored, one and many."""
    return (
        _column("AP", f"Average precision of the scored {regions}, mean over IoU 0.50 to 0.95.", "ap"),
        _column("AP50", "Average precision where an IoU of 0.50 is enough.", "ap50"),
        _column("AP75", "Average precision where an IoU of 0.75 is needed.", "ap75"),
        _column("AR@1", f"Average recall with the best {region} of each photograph.", "ar_1"),
        _column("AR@10", "Average recall with the best ten.", "ar_10"),
        _column("AR@100", "Average recall with the best hundred.", "ar_100"),
    )


def size_columns() -> tuple[Column, ...]:
    """COCO's metrics over small, medium and large objects alone."""
    areas = [(size, metrics.COCO_SIZES[size], what) for size, what in _SIZES.items()]
    return (
        *(_column(f"AP {size}", f"AP of objects {what}.", "ap", area) for size, area, what in areas),
        *(_column(f"AR {size}", f"AR@100 of objects {what}.", "ar_100", area) for size, area, what in areas),
    )


def _column(name: str, meaning: str, field: str, area: metrics.AreaRange = _EVERYTHING) -> Column:
    return Column(Metric(name, meaning, pooled=True), field, area)


def precision_pool(columns: Sequence[Column]) -> Pool:
    """How a table's columns, and `CALIBRATION`, are computed over all photographs."""

    def estimates(images: Sequence[Measured]) -> dict[str, float]:
        found = _by_column(columns, lambda area: metrics.average_precision(_regions(images), area))
        return found | {CALIBRATION.name: metrics.calibration_error(_regions(images))}

    def weighted(
        images: Sequence[Measured], weights: Num[np.ndarray, "draw image"]
    ) -> dict[str, Float[np.ndarray, " draw"]]:
        draws = torch.from_numpy(weights)
        found = _by_column(columns, lambda area: metrics.weighted_precision(_regions(images), draws, area))
        found[CALIBRATION.name] = metrics.weighted_calibration_error(_regions(images), draws)
        return {name: values.numpy() for name, values in found.items()}

    def objects(images: Sequence[Measured]) -> dict[str, int]:
        sizes = [size for image in _regions(images) for size in image.annotated_areas()]
        return {
            column.metric.name: sum(map(column.area.holds, sizes))
            for column in columns
            if column.area != _EVERYTHING
        }

    return Pool(estimates, weighted, objects)


def pooled_precision(images: Sequence[Measured]) -> metrics.AveragePrecision:
    """Average precision of all photographs that have regions."""
    return metrics.average_precision(_regions(images))


def pooled_reliability(images: Sequence[Measured]) -> metrics.Reliability | None:
    """How often the objects of all photographs are right, by their score; None where scores are not judged."""
    regions = _regions(images)
    return metrics.reliability(regions) if regions else None


def _by_column(columns: Sequence[Column], compute: Callable) -> dict:  # type: ignore[type-arg]
    """Each column's field of what is computed once for each range of areas."""
    results = {area: compute(area) for area in dict.fromkeys(column.area for column in columns)}
    return {column.metric.name: getattr(results[column.area], column.field) for column in columns}


def _regions(images: Sequence[Measured]) -> list[metrics.ScoredRegions]:
    return [image.regions for image in images if image.regions is not None]
