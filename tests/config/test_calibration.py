import pytest

from slotlight.config import Calibration
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"slope": 0.0}, "slope is 0.0; it must be above 0"),
        ({"slope": -1.5}, "slope is -1.5"),
        ({"intercept": float("inf")}, "intercept is inf; it must be a number"),
        ({"intercept": float("nan")}, "intercept is nan"),
    ],
)
def test_what_would_turn_the_order_of_scores_is_refused(numbers: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Calibration(**numbers)


def test_it_is_fitted_where_it_names_labels() -> None:
    assert not Calibration(slope=2.0).is_fitted
    assert Calibration(labels="VOC2012 dev, detection").is_fitted
