"""The answer of a study, computed: a sentence for each of its contrasts, and whether the paper's claim shows here."""

from collections.abc import Sequence

from slotlight.evaluation.statistics import Interval
from slotlight.report.terminal import points
from slotlight.studies.paired_tests import LEVEL, MOST_TRAININGS, WORTH_SEEING, PairedTest
from slotlight.studies.result import UNTRAINED, Comparison, StudyResult


def answers(result: StudyResult) -> list[str]:
    """Sentences about the study's arms, the first of them on its first contrast."""
    spoken = result.measures if result.study.speaks_of_all else result.measures[:1]
    names = {measure.name for measure in spoken}
    of_domains = {measure.name for measure in result.measures if measure.places is not None}
    domains = {arm.name for arm in result.study.arms if arm.domain}
    asked = [
        c
        for c in result.comparisons
        if (c.measure in names or (c.measure in of_domains and c.contrast.arm in domains)) and not c.is_floor
    ]
    found = [sentence(comparison) for comparison in asked]
    if result.study.compares_spread:
        found += [spread_sentence(result, measure.name) for measure in spoken]
    if result.study.draws > 1:
        found += [draws_sentence(result, measure.name) for measure in spoken]
    return found


def sentence(comparison: Comparison) -> str:
    """What one contrast says.

    Example:
        >>> from slotlight.studies.declaration import Contrast
        >>> test = PairedTest(-0.001, 3, 0.0032, Interval(-0.009, 0.007), 0.6, Interval(-0.004, 0.002), 0.5, 0.01, 6)
        >>> sentence(Comparison(Contrast("background", "none"), "mBO", test, 0.6))
        'background changes mBO by −0.1 [−0.9, +0.7] against none: no difference at 3 seeds; 6 seeds would show 0.5.'
    """
    pair, test = comparison.contrast, comparison.test
    interval = test.over_trainings or test.over_photographs
    shown = f" {in_brackets(interval)}" if interval else ""
    change = (
        f"{pair.arm} changes {comparison.measure} by {points(test.difference)}{shown} against {pair.against}"
    )
    return f"{change}: {verdict(test)}."


def verdict(test: PairedTest) -> str:
    """What a paired test says, in words."""
    if test.deviation is None:
        there = test.holds_over_photographs
        return f"{'a difference' if there else 'no difference'} over photographs, of one training"
    if test.is_shown:
        return (
            f"{'more' if test.difference > 0 else 'less'}, over {test.trainings} seeds and over photographs"
        )
    if test.deviation == 0 and test.difference == 0:
        return f"the same in each of {test.trainings} seeds"
    if test.holds_over_trainings:
        return f"it holds over {test.trainings} seeds, but not over other photographs"
    count = f"{test.needed:,}" if test.needed else f"more than {MOST_TRAININGS:,}"
    return f"no difference at {test.trainings} seeds; {count} seeds would show {100 * WORTH_SEEING:g}"


def spread_sentence(result: StudyResult, measure: str) -> str:
    """How far the arms spread over trainings, and whether they do so unequally."""
    spreads = ", ".join(
        f"{arm.name} ± {100 * deviation:.1f}"
        for arm in result.arms
        if (deviation := arm.estimate(measure).seed_deviation) is not None
    )
    p_value = result.spreads.get(measure)
    if p_value is None:
        return (
            f"The spread of {measure} over seeds cannot be compared with fewer than three seeds of each arm."
        )
    said = "the spreads differ" if p_value < LEVEL else "no difference in spread shows"
    return f"Spread of {measure} over {result.trainings} seeds: {spreads}; {said} (Brown–Forsythe p = {p_value:.2g})."


def draws_sentence(result: StudyResult, measure: str) -> str:
    """How much of the spread is the training's, and how much what a trained model draws."""
    parts = []
    for arm in result.arms:
        trained, drawn = arm.estimate(measure).seed_deviation, arm.draw_deviation(measure)
        if trained is not None and drawn is not None:
            parts.append(
                f"{arm.name} ± {100 * trained:.1f} over trainings, ± {100 * drawn:.1f} over draws of one"
            )
    return (
        f"{measure}: {'; '.join(parts)}."
        if parts
        else f"{measure} has too few trainings or draws to tell them apart."
    )


def claim_verdict(result: StudyResult) -> str:
    """Whether what the paper says shows here, from the contrasts that it speaks of, on the first measure."""
    claimed = [
        c
        for c in result.comparisons
        if c.measure == result.measures[0].name and c.contrast.claim and not c.is_floor
    ]
    if not claimed:
        return "The paper makes no claim here."
    agree = [c for c in claimed if c.test.is_shown and c.test.difference * c.contrast.claim > 0]
    oppose = [c for c in claimed if c.test.is_shown and c.test.difference * c.contrast.claim < 0]
    if len(agree) == len(claimed):
        return "The paper's claim shows here."
    if oppose:
        return f"The opposite of the paper's claim shows here: {_names(oppose)}."
    if agree:
        others = [c for c in claimed if c not in agree]
        return f"The paper's claim shows here in part: {_names(agree)}; not: {_names(others)}."
    detectable = [c.test.detectable for c in claimed if c.test.detectable is not None]
    power = (
        f" ({result.trainings} seeds show differences from {100 * max(detectable):.1f} on)"
        if detectable
        else ""
    )
    return f"The paper's claim does not show here{power}."


def below_floors(result: StudyResult) -> str:
    """Which floors the best arm does not exceed, on the first measure: what no study may keep quiet about."""
    measure = result.measures[0].name
    unsupervised = [arm for arm in result.arms if not arm.is_supervised]
    best = max(unsupervised, key=lambda arm: arm.estimate(measure).mean)
    mean = best.estimate(measure).mean
    above = [row.name for row in result.rows if row.is_floor and row.estimate(measure).mean >= mean]
    if not above:
        return ""
    untrained = [row.estimate(measure).mean for row in result.rows if row.name == UNTRAINED]
    before = f"; slots before training: {100 * untrained[0]:.1f}" if untrained else ""
    arm = "unsupervised arm" if len(unsupervised) < len(result.arms) else "arm"
    return (
        f"No {arm} reaches {', '.join(above)} in {measure} (the best, {best.name}: {100 * mean:.1f}{before})."
    )


def in_brackets(interval: Interval) -> str:
    """An interval in points."""
    return f"[{points(interval.low)}, {points(interval.high)}]"


def _names(comparisons: Sequence[Comparison]) -> str:
    return ", ".join(f"{c.contrast.arm} against {c.contrast.against}" for c in comparisons)
