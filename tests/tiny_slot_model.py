"""The smallest slot model that is still one."""

import torch

from slotlight.config import DecoderConfig, ModelConfig, SlotConfig
from slotlight.model.slot_model import SlotModel, build_slot_model

DIM, GRID, HEADS, SLOTS = 12, (4, 5), 3, 4


CPU = torch.device("cpu")


def make(seed: int = 0, patch_share: float = 1.0, adaptive: bool = False, **kwargs: object) -> SlotModel:
    torch.manual_seed(seed)
    config = ModelConfig(
        slots=SlotConfig(heads=HEADS, slots=SLOTS, projection_hidden=16, mlp_hidden=16, adaptive=adaptive),
        decoder=DecoderConfig(hidden=16, patch_share=patch_share),
        **kwargs,
    )
    return build_slot_model(config, DIM, GRID)
