"""Evaluations → what a study found: a row an arm, tests of its contrasts; and the values behind them as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import nan
from pathlib import Path

import numpy as np
from jaxtyping import Float

from slotlight.evaluation.measured import Measured
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.tables import Estimate, estimate
from slotlight.files import csv_line, write_text
from slotlight.studies.declaration import Contrast, Measure, Shift, Study
from slotlight.studies.paired_tests import PairedTest, adjusted, compare, spread_test
from slotlight.studies.plan import Reading

BASE = "slots"
"""What the controls of the base model are called after."""

UNTRAINED = f"{BASE}-untrained"
"""The floor that is the base model before training."""


@dataclass(frozen=True)
class Row:
    """An arm, or a floor beside the arms.

    Attributes:
        name: What tables call it.
        is_floor: Whether it stands for comparison.
        values: By measure, NaN where a photograph leaves it undefined; a floor has one training.
        is_supervised: Whether it learned from labels; its name says so too.
    """

    name: str
    is_floor: bool
    values: dict[str, Float[np.ndarray, "training draw image"]]
    is_supervised: bool = False

    def matrix(self, measure: str) -> Float[np.ndarray, "training image"]:
        """A measure's values, mean over draws."""
        return np.asarray(self.values[measure].mean(axis=1))

    def estimate(self, measure: str) -> Estimate:
        """Its mean, deviation over trainings, and interval over photographs."""
        return estimate(measure, self.matrix(measure))

    def means(self, measure: str) -> Float[np.ndarray, " training"]:
        """Each training's mean over the photographs that define the measure."""
        matrix = self.matrix(measure)
        return np.asarray(matrix[:, ~np.isnan(matrix).any(axis=0)].mean(axis=1))

    def draw_deviation(self, measure: str) -> float | None:
        """Standard deviation over a trained model's draws, mean over trainings (of variances); None for one draw."""
        values = self.values[measure]
        defined = values[:, :, ~np.isnan(values).any(axis=(0, 1))]
        if values.shape[1] < 2 or not defined.size:
            return None
        return float(np.sqrt(defined.mean(axis=2).var(axis=1, ddof=1).mean()))


@dataclass(frozen=True)
class Comparison:
    """A contrast under one measure.

    Attributes:
        contrast: The arms, or a floor under the same two shifts.
        measure: Its name.
        test: What came out.
        p_adjusted: The p-value over trainings, adjusted for all contrasts of the measure.
        is_floor: Whether it is a floor that is compared with itself.
    """

    contrast: Contrast
    measure: str
    test: PairedTest
    p_adjusted: float | None
    is_floor: bool = False


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes:
        study: What was asked.
        measures: What was measured.
        rows: Arms, then floors.
        photographs: Names of those that every row was measured on.
        places: And where they are in the dataset.
        data: Where they are from.
        facts: What else the result depends on, by name.
        left_out: Why each of the others was, and each arm that is missing.
        device: What it ran on.
        command: What was typed.
        version: Of Slotlight.
    """

    study: Study
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    photographs: tuple[str, ...]
    places: tuple[int, ...]
    data: str
    facts: dict[str, str]
    left_out: tuple[str, ...]
    device: str
    command: str
    version: str

    @property
    def arms(self) -> tuple[Row, ...]:
        """Rows that are not floors."""
        return tuple(row for row in self.rows if not row.is_floor)

    @property
    def trainings(self) -> int:
        """Of each arm."""
        return len(next(iter(self.arms[0].values.values())))

    def row(self, name: str) -> Row:
        """The row of a name."""
        return next(row for row in self.rows if row.name == name)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every contrast under every measure, as far as photographs define it."""
        return tuple(found for measure in self.measures for found in self._compared(measure.name))

    @cached_property
    def spreads(self) -> dict[str, float]:
        """By measure, the p-value that all arms spread alike over trainings, where that is asked and can be said."""
        if not self.study.compares_spread:
            return {}
        tests = {m.name: spread_test([arm.means(m.name) for arm in self.arms]) for m in self.measures}
        return {name: p_value for name, p_value in tests.items() if p_value is not None}

    def _compared(self, measure: str) -> list[Comparison]:
        pairs = [(pair, False) for pair in self.study.contrasts]
        for pair in self.study.contrasts:
            end, other = f", {pair.arm}", f", {pair.against}"
            floors = [
                row.name.removesuffix(end) for row in self.rows if row.is_floor and row.name.endswith(end)
            ]
            pairs += [(Contrast(floor + end, floor + other), True) for floor in floors]
        tested = [(pair, is_floor, self._test(pair, measure)) for pair, is_floor in pairs]
        known = [(pair, is_floor, test) for pair, is_floor, test in tested if test is not None]
        p_values = [test.p_trainings for _, _, test in known if test.p_trainings is not None]
        corrected = iter(adjusted(p_values))
        return [
            Comparison(pair, measure, test, None if test.p_trainings is None else next(corrected), is_floor)
            for pair, is_floor, test in known
        ]

    def _test(self, pair: Contrast, measure: str) -> PairedTest | None:
        return compare(self.row(pair.arm).matrix(measure), self.row(pair.against).matrix(measure))

    def write_values(self, path: Path) -> None:
        """Every value that the result was computed from, a line a photograph, row, training and draw."""
        names = [measure.name for measure in self.measures]
        rows = (
            [photograph, row.name, training, draw]
            + [repr(float(row.values[name][training, draw, place])) for name in names]
            for row in self.rows
            for training, draw in np.ndindex(row.values[names[0]].shape[:2])
            for place, photograph in enumerate(self.photographs)
        )
        write_text(path, map(csv_line, chain([["photograph", "arm", "training", "draw", *names]], rows)))


def collect(
    evaluations: Mapping[Shift | None, Evaluation], readings: Sequence[Reading], measures: Sequence[Measure]
) -> tuple[tuple[Row, ...], tuple[int, ...], tuple[str, ...]]:
    """Rows on the photographs that every model was measured on, their places, and why the others were left out."""
    results = [result for evaluation in evaluations.values() for result in evaluation.results]
    places = set.intersection(*({*seed} for r in results for model in r.values for seed in model.seeds))
    causes = {place: cause for result in results for place, cause in result.left_out.items()}
    kept = tuple(sorted(places))
    rows: dict[str, list[Reading]] = {}
    for reading in readings:
        rows.setdefault(reading.arm.name, []).append(reading)
    found = [
        replace(
            _row(
                name, False, evaluations[own[0].arm.shift], [reading.name for reading in own], measures, kept
            ),
            is_supervised=own[0].arm.learner is not None,
        )
        for name, own in rows.items()
    ]
    arm_of = {reading.arm.shift: reading.arm.name for reading in reversed(readings)}  # the first of each
    for shift, evaluation in evaluations.items():
        for model in evaluation.results[0].values:
            if model.is_floor:
                name = f"{model.model}, {arm_of[shift]}" if len(evaluations) > 1 else model.model
                found.append(_row(name, True, evaluation, [model.model], measures, kept))
    return tuple(found), kept, tuple(causes[place] for place in sorted(causes))


def _row(
    name: str,
    is_floor: bool,
    evaluation: Evaluation,
    models: Sequence[str],
    measures: Sequence[Measure],
    places: Sequence[int],
) -> Row:
    values = {}
    for measure in measures:
        result = next(r for r in evaluation.results if r.protocol.name == measure.protocol)
        by_model = {found.model: found.seeds for found in result.values}
        values[measure.name] = np.array(
            [[_values(measure, seed, places) for seed in by_model[model]] for model in models]
        )
    return Row(name, is_floor, values)


def _values(measure: Measure, seed: Mapping[int, Measured], places: Sequence[int]) -> list[float]:
    known = frozenset(places) if measure.places is None else measure.places
    return [measure.of(seed[place]) if place in known else nan for place in places]
