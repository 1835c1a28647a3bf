"""A model without the part that it praises: its heuristics on k-means, and its slots before training.

They stand in every table beside the model: what is left above them is what its slots learnt.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.backbones import Backbone
from slotlight.config import ModelConfig, Precision
from slotlight.files import digest
from slotlight.model.foreground import foreground_map, with_foreground
from slotlight.model.heuristics import find_objects
from slotlight.model.kmeans import kmeans
from slotlight.segmenter import Segmenter, SlotMasks
from slotlight.version import __version__


class KMeansControl:
    """k-means in place of the slots: the same features, foreground map, grouping, background merge, boundaries.

    Args:
        name: What tables call it.
        backbone: Whose features are clustered.
        config: The model's; its number of slots is the number of clusters.
        precision: Arithmetic of the backbone.
    """

    is_seeded = True

    def __init__(
        self, name: str, backbone: Backbone, config: ModelConfig, *, precision: Precision = "fp32"
    ) -> None:
        self.name, self.backbone, self.config, self.precision = name, backbone, config, precision
        self.image_size, self.patch_size = config.backbone.image_size, backbone.patch_size

    @property
    def device(self) -> torch.device:
        """Where the backbone lives."""
        return self.backbone.device

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        heuristics, slots = repr(self.config.heuristics), self.config.slots.slots
        settings = (self.image_size, self.precision, __version__)
        return digest(self.name, heuristics, slots, self.backbone.fingerprint(), *settings)

    def controls(self) -> list[Segmenter]:
        """See `slotlight.segmenter.Segmenter`."""
        return []

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """See `slotlight.segmenter.Segmenter`."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            features = self.backbone(images)
        patches, heuristics, count = features.patches.float(), self.config.heuristics, self.config.slots.slots
        foreground = foreground_map(patches, features.grid, heuristics)
        if weight := heuristics.foreground_weight:
            patches = with_foreground(patches, foreground, weight)
        # As slot attention normalises its inputs.
        clusters = kmeans(F.layer_norm(patches, patches.shape[-1:]), count, seed=seed)
        masks = F.one_hot(clusters, count).movedim(-1, 1).float().unflatten(2, features.grid)
        return find_objects(masks, patches, foreground, None, images, heuristics)
