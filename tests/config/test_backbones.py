import pytest
import timm
import torch

from slotlight.backbones import weights_on_machine
from slotlight.config import BACKBONES


class TestRegistry:
    @pytest.mark.parametrize("name", BACKBONES)
    def test_facts_agree_with_timm(self, name: str) -> None:
        entry = BACKBONES[name]
        with torch.device("meta"):
            network = timm.create_model(entry.timm_name, num_classes=0)
        size = sum(parameter.numel() for parameter in network.parameters())
        assert entry.million_params == pytest.approx(size / 1e6, abs=0.1)
        licence = timm.get_pretrained_cfg(entry.timm_name).license
        assert entry.licence.lower().replace(" ", "-") == licence
        assert timm.models.is_model_pretrained(entry.timm_name)
        assert weights_on_machine(name) in (True, False)
