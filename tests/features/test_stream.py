from pathlib import Path

import pytest

from slotlight.errors import CacheError
from tiny_caches import build, tiny_backbone


def test_features_beyond_half_precision(photographs: list[Path], tmp_path: Path) -> None:
    backbone = tiny_backbone()
    for weight in backbone.parameters():
        weight.mul_(1e4)
    with pytest.raises(CacheError, match="half precision"):
        build(photographs, tmp_path, backbone)
