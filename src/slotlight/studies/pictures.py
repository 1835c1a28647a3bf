"""Photographs where two arms differ most, as both see them and as they are annotated."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import SlotlightError
from slotlight.evaluation.protocols import Protocol, find_protocol
from slotlight.report.galleries import Pair, draw_pair
from slotlight.studies.plan import Reading
from slotlight.studies.result import StudyResult
from slotlight.studies.work import Work

_EACH_WAY = 4


@dataclass(frozen=True)
class Triple:
    """One photograph.

    Attributes:
        id: Its name.
        first: What the first arm found, as a data URL.
        second: What the second arm found.
        truth: What is annotated.
        first_value: The first arm's value, mean over trainings.
        second_value: The second arm's.
    """

    id: str
    first: str
    second: str
    truth: str
    first_value: float
    second_value: float


@dataclass(frozen=True)
class Pictures:
    """Where the arms of the first contrast differ most, by the first measure; models of the first seed."""

    arm: str
    against: str
    measure: str
    better: tuple[Triple, ...]
    worse: tuple[Triple, ...]


def pictures_of(result: StudyResult, work: Work) -> Pictures:
    """Draw them; a photograph that cannot be read any more is left out."""
    pair, measure = result.study.contrasts[0], result.measures[0]
    first, second = (result.row(name).matrix(measure.name).mean(axis=0) for name in (pair.arm, pair.against))
    difference = first - second
    order = [
        int(place) for place in np.argsort(-difference, kind="stable") if not np.isnan(difference[place])
    ]
    better = [place for place in order[:_EACH_WAY] if difference[place] > 0]
    worse = [place for place in order[::-1][:_EACH_WAY] if difference[place] < 0]
    shown = [_first_of(work, name) for name in (pair.arm, pair.against)]
    loaded = [(reading, work.discoverer(reading)) for reading in shown]

    def draw(places: Sequence[int]) -> tuple[Triple, ...]:
        triples = []
        for place in places:
            with suppress(SlotlightError):
                protocol, values = (
                    find_protocol(measure.protocol),
                    (float(first[place]), float(second[place])),
                )
                one, other = (
                    _draw(work, arm, result.places[place], protocol, value)
                    for arm, value in zip(loaded, values, strict=True)
                )
                name = result.photographs[place]
                triples.append(Triple(name, one.found, other.found, one.truth, *values))
        return tuple(triples)

    return Pictures(pair.arm, pair.against, measure.name, draw(better), draw(worse))


def _first_of(work: Work, arm: str) -> Reading:
    return next(reading for reading in work.readings if reading.arm.name == arm)


def _draw(
    work: Work, loaded: tuple[Reading, Discoverer], place: int, protocol: Protocol, value: float
) -> Pair:
    """What an arm found in a photograph, and what is annotated."""
    reading, discoverer = loaded
    return draw_pair(discoverer, work.dataset_under(reading.arm.shift), protocol, place, value)
