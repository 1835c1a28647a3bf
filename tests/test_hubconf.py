"""`torch.hub` finds objects with a checkout."""

from pathlib import Path

import torch

from slotlight.discovery.discoverer import Discoverer

ROOT = Path(__file__).parents[1]


def test_a_checkout_is_a_torch_hub_repository() -> None:
    found = torch.hub.load(str(ROOT), "slotlight", "centre-box", source="local")
    assert isinstance(found, Discoverer)
    assert found.name == "centre-box"
