"""A check of the paper: whether hiding background also hides what is small."""

from functools import partial
from math import nan
from statistics import fmean
from typing import TYPE_CHECKING

from slotlight.studies.declaration import Contrast, Measure, Study
from slotlight.studies.masking import ARMS, BACKGROUND, NONE, RANDOM

if TYPE_CHECKING:
    from slotlight.evaluation.measured import Measured

_EDGES = (0.0, 0.01, 0.1, 0.3, 1.0)
_NAMES = ("≤ 1 %", "1–10 %", "10–30 %", "> 30 %")


def overlap_of_size(measured: "Measured", low: float, high: float) -> float:
    """Mean of the best overlaps of a photograph's objects whose share of it is in (low, high]; NaN without any.

    Example:
        >>> from slotlight.evaluation.measured import Measured, ObjectOverlaps
        >>> overlap_of_size(Measured({}, ObjectOverlaps((0.2, 0.9), (0.01, 0.4))), 0.0, 0.01)
        0.2
    """
    objects = zip(measured.objects.overlaps, measured.objects.sizes, strict=True)
    found = [overlap for overlap, size in objects if low < size <= high]
    return fmean(found) if found else nan


def _bands(protocol: str, what: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(
            protocol,
            name,
            f"Best IoU of any slot with each {what} that is {name} of the photograph, mean.",
            partial(overlap_of_size, low=low, high=high),
        )
        for name, low, high in zip(_NAMES, _EDGES[:-1], _EDGES[1:], strict=True)
    )


SMALL_OBJECTS = Study(
    name="small-objects",
    question="Does masking harm small objects?",
    claim="The paper does not say; hiding 70 % of the patches could hide what covers a tenth of the photograph.",
    arms=ARMS,
    contrasts=(Contrast(BACKGROUND, NONE), Contrast(RANDOM, NONE)),
    measures=(*_bands("instances", "object"), *_bands("paper", "class")),
    speaks_of_all=True,
)
