import pytest

from slotlight.errors import ConfigError
from slotlight.evaluation.options import EvaluationOptions


@pytest.mark.parametrize("options", [{"seeds": 0}, {"limit": 0}, {"batch_size": -1}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be at least 1"):
        EvaluationOptions(**options)
