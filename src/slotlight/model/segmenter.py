"""A frozen backbone and a trained slot model, as a `slotlight.segmenter.Segmenter`."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.model.decoder import Grid
from slotlight.model.foreground import merge_background, score_by_figure
from slotlight.model.grouping import group_slots, join
from slotlight.model.refinement import refine_masks
from slotlight.model.slot_model import FusedMasks, SlotModel
from slotlight.segmenter import SlotMasks


class ModelSegmenter:
    """A frozen backbone and a trained slot model as one `slotlight.discovery.objects.Segmenter`."""

    def __init__(
        self, name: str, backbone: Backbone, model: SlotModel, *, precision: Precision = "fp32"
    ) -> None:
        self.name, self.backbone, self.model = name, backbone, model.eval().requires_grad_(False)
        self.precision = precision
        self.image_size, self.patch_size = model.config.backbone.image_size, backbone.patch_size

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return self.model.attention.mu.device

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """Segment RGB images in [0, 1], whose sides are multiples of ``patch_size``."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            features = self.backbone(images)
            found = self.model.segment_features(features.patches, features.grid, seed=seed)
        slots = _scored(found, features.grid, self.model.config.group_within)
        return replace(slots, masks=refine_masks(slots.masks, images)) if self.model.config.refine else slots


def _scored(found: FusedMasks, grid: Grid, group_within: float) -> SlotMasks:
    """Join what is one object, score it, and make all that is background one slot more."""
    masks = found.masks.float().unflatten(2, grid)
    groups = group_slots(masks.flatten(2), found.features.float(), group_within)
    share = masks.mean(dim=(2, 3))
    agreement = join(share * found.agreement.float(), groups) / join(share, groups).clamp(min=1e-6)
    scores = score_by_figure(join(masks, groups), found.figure, agreement).gather(1, groups)
    merged, scores = merge_background(masks, scores)
    background = torch.full_like(groups[:, :1], masks.shape[1])
    return SlotMasks(merged, scores, torch.cat([groups, background], dim=1))
