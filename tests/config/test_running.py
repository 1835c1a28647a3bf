from collections.abc import Callable

import pytest

from slotlight.config import Calibration, ObjectRule, RunConfig, ScaleConfig
from slotlight.config.running import LEAST_PROBABILITY, LEAST_SCORE
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        (RunConfig, {"batch_size": 0}, "batch_size is 0"),
        (RunConfig, {"seed": -1}, "seed is -1"),
        (ScaleConfig, {"workers": 0}, "workers is 0"),
        (ScaleConfig, {"workers": 2, "ray": "local"}, "leave --workers out"),
        (ObjectRule, {"max_objects": 256}, "max_objects is 256; it must be at most 255"),
        (ObjectRule, {"min_score": -0.1}, "min_score is -0.1"),
        (ObjectRule, {"min_part": 2.0}, "min_part is 2.0"),
    ],
)
def test_what_cannot_work_is_refused(kind: Callable[..., object], options: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kind(**options)


def test_the_least_score_is_a_probability_where_scores_are() -> None:
    assert ObjectRule().least_score(Calibration()) == LEAST_SCORE
    assert ObjectRule().least_score(Calibration(labels="some")) == LEAST_PROBABILITY
    assert ObjectRule(min_score=0.0).least_score(Calibration(labels="some")) == 0
