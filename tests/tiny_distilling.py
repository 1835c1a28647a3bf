"""The smallest distilling that is still one."""

from slotlight.config import DetectorConfig, DistilConfig

DETECTOR = DetectorConfig(image_size=128, width=16, hidden=32, most=20)
TRAINING = DistilConfig(
    rounds=2, steps=4, batch_size=2, sizes=(96, 128), min_votes=0.05, sure_above=0.0, checkpoint_every=2
)
