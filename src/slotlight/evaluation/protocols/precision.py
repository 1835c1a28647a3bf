"""Average precision and recall as columns of a table, for boxes and for masks."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float

from slotlight import metrics
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.protocol import Pool

EVERYTHING = metrics.AreaRange()

Column = tuple[str, metrics.AreaRange]
"""The field of `slotlight.metrics.AveragePrecision` that a column shows, and which objects it is about."""


def precision_pool(columns: Mapping[str, Column]) -> Pool:
    """COCO's figures over all photographs, by the names of a table's columns."""

    def estimates(images: Sequence[Measured]) -> dict[str, float]:
        return _by_column(columns, lambda area: metrics.average_precision(_regions(images), area))

    def weighted(
        images: Sequence[Measured], weights: Float[np.ndarray, "draw image"]
    ) -> dict[str, Float[np.ndarray, " draw"]]:
        draws = torch.from_numpy(weights)
        found = _by_column(columns, lambda area: metrics.weighted_precision(_regions(images), draws, area))
        return {name: values.numpy() for name, values in found.items()}

    def objects(images: Sequence[Measured]) -> dict[str, int]:
        return {
            name: sum(area.holds(size) for image in _regions(images) for size in image.annotated_areas())
            for name, (_, area) in columns.items()
            if area != EVERYTHING
        }

    return Pool(estimates, weighted, objects)


def pooled_precision(images: Sequence[Measured]) -> metrics.AveragePrecision:
    """Average precision of all photographs that have regions."""
    return metrics.average_precision(_regions(images))


def _by_column(columns: Mapping[str, Column], compute: Callable) -> dict:  # type: ignore[type-arg]
    """Each column's field of what is computed once for each range of areas."""
    results = {area: compute(area) for area in dict.fromkeys(area for _, area in columns.values())}
    return {name: getattr(results[area], field) for name, (field, area) in columns.items()}


def _regions(images: Sequence[Measured]) -> list[metrics.ScoredRegions]:
    return [image.regions for image in images if image.regions is not None]
