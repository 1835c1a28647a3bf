from collections.abc import Callable

import pytest

from slotlight.config import BackboneConfig, DecoderConfig, HeuristicsConfig, MaskingConfig, SlotConfig
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "numbers", "says"),
    [
        (BackboneConfig, {"image_size": 0}, "image_size is 0; it must be at least 1"),
        (BackboneConfig, {"image_size": 10**6}, "image_size is 1000000; it must be at most 4,096"),
        (SlotConfig, {"slots": 300, "heads": 1}, "slots is 300; it must be at most 254"),
        (MaskingConfig, {"ratio": 1.0}, "ratio is 1.0; it must be in \\[0, 1\\)"),
        (SlotConfig, {"heads": 0}, "heads is 0"),
        (SlotConfig, {"slots": -1}, "slots is -1"),
        (SlotConfig, {"iterations": 0}, "iterations is 0"),
        (DecoderConfig, {"layers": 0}, "layers is 0"),
        (DecoderConfig, {"patch_share": 0.0}, "patch_share is 0.0; it must be in \\(0, 1\\]"),
        (DecoderConfig, {"patch_share": 3.0}, "patch_share is 3.0"),
        (HeuristicsConfig, {"foreground_weight": -1.0}, "foreground_weight is -1.0"),
        (HeuristicsConfig, {"group_within": float("nan")}, "group_within is nan"),
    ],
)
def test_numbers_that_cannot_work(kind: Callable[..., object], numbers: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kind(**numbers)
