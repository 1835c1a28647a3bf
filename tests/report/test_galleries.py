import numpy as np

from slotlight.report.galleries import choose


def test_selections_are_in_order() -> None:
    scores = {index: float(value) for index, value in enumerate(np.random.default_rng(0).random(21))}
    selections = choose(scores)
    by_score = sorted(scores, key=scores.__getitem__)
    assert selections["worst"] == by_score[:4]
    assert selections["best"] == by_score[::-1][:4]
    assert by_score[10] in selections["median"]
    assert choose(scores) == selections
    assert choose({}) == {"best": [], "median": [], "worst": [], "random": []}
