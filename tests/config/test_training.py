import pytest

from slotlight.config import TrainConfig
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"learning_rate": float("inf")}, "learning_rate is inf; it must be at most 1,000,000,000"),
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 5, "devices": 2}, "choose a multiple of 2"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"halving_share": 0.0}, "halving_share is 0.0"),
        ({"warmup_share": 1.5}, "warmup_share is 1.5; it must be in \\[0, 1\\]"),
    ],
)
def test_numbers_that_cannot_work(numbers: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        TrainConfig(**numbers)
