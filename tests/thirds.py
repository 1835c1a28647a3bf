"""A segmenter that cuts every photograph in three, and how it is evaluated."""

import numpy as np
import torch

from slotlight.config import Calibration
from slotlight.evaluation.options import EvaluationOptions
from slotlight.files import digest
from slotlight.segmenter import SlotMasks


class Thirds:
    """Cuts every image in three, at places that the seed draws."""

    image_size, patch_size, is_seeded, backbone = 64, 8, True, None
    calibration = Calibration()

    def __init__(self, name: str = "thirds", jitter: float = 0.2) -> None:
        self.name, self.jitter = name, jitter

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def fingerprint(self) -> str:
        return digest(type(self).__name__, self.jitter)

    def controls(self) -> list:
        return []

    def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:
        rng = np.random.default_rng(seed)
        batch, _, height, width = images.shape
        cuts = width * (np.array([1, 2]) / 3 + self.jitter * rng.uniform(-0.5, 0.5, 2))
        part = torch.bucketize(torch.arange(width), torch.tensor(cuts))
        masks = torch.nn.functional.one_hot(part, 3).T[None, :, None].expand(batch, 3, height, width)
        return SlotMasks(masks.float(), torch.tensor([[0.4, 0.8, 0.0]]).expand(batch, 3))


TWO_SEEDS, SKIP = EvaluationOptions(seeds=2), EvaluationOptions(on_error="skip")


EVERY = ["paper", "paper-as-released", "instances", "corloc", "detection", "masks", "saliency"]
