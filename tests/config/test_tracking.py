import pytest

from slotlight.config import TrackRule
from slotlight.errors import ConfigError


@pytest.mark.parametrize(("name", "value"), [("birth", 0), ("memory", -1), ("likeness", 1.5)])
def test_rules_have_bounds(name, value):
    with pytest.raises(ConfigError, match=name):
        TrackRule(**{name: value})
