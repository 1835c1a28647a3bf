"""The smallest training that is still one, for tests and the scripts that they start."""

from pathlib import Path

from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, SlotConfig, TrainConfig

TRAIN = TrainConfig(steps=30, batch_size=4, learning_rate=5e-3, checkpoint_every=10)


def tiny_model(weights: Path) -> ModelConfig:
    """Slots on the keys of a ViT with random weights."""
    return ModelConfig(
        backbone=BackboneConfig(name="vit_tiny_patch16_224", weights=weights, layer=1, image_size=64),
        slots=SlotConfig(heads=3, slots=4, projection_hidden=32, mlp_hidden=32),
        decoder=DecoderConfig(hidden=32),
    )
