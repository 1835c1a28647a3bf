from collections.abc import Callable

import pytest

from slotlight.config import DetectorConfig, DistilConfig, ProposalConfig
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        (ProposalConfig, {"clusters": ()}, "need clusters of at least 2"),
        (ProposalConfig, {"temperatures": (0.0,)}, "temperatures above 0"),
        (ProposalConfig, {"same_above": 1.0}, "same_above must be between 0 and 1"),
        (DetectorConfig, {"image_size": 16}, "image_size is 16; it must be at least 32"),
        (DetectorConfig, {"anchors": (8, 16)}, "give four sides in pixels"),
        (DetectorConfig, {"overlap": 0.0}, "overlap is 0.0"),
        (DistilConfig, {"sizes": (32,)}, "each must be at least 64 pixels"),
        (DistilConfig, {"sure_above": 1.5}, "sure_above is 1.5"),
    ],
)
def test_what_cannot_work_is_refused(kind: Callable[..., object], options: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kind(**options)


def test_a_round_is_a_training_of_its_own() -> None:
    schedule = DistilConfig(steps=7, batch_size=3, warmup_share=0.5, seed=2).schedule
    assert (schedule.steps, schedule.batch_size, schedule.warmup_share, schedule.seed) == (7, 3, 0.5, 2)
    assert schedule.decay == "cosine"
