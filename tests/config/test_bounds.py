from types import SimpleNamespace

import pytest

from slotlight.config.bounds import above, at_least, at_most, check_seed, in_unit_interval
from slotlight.errors import ConfigError


def test_bounds_are_themselves_allowed_but_for_above() -> None:
    config = SimpleNamespace(one=1, zero=0)
    at_least(config, 1, "one")
    at_most(config, 1, "one")
    in_unit_interval(config, "zero", "one")
    check_seed(0)
    with pytest.raises(ConfigError, match="one is 1; it must be above 1"):
        above(config, 1, "one")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1])
def test_what_is_no_number_in_bounds_is_refused(value: float) -> None:
    config = SimpleNamespace(share=value)
    for check in (lambda: at_least(config, 0, "share"), lambda: in_unit_interval(config, "share")):
        with pytest.raises(ConfigError, match=f"share is {value}; it must be "):
            check()
