"""A frozen backbone and a trained slot model, as a `slotlight.segmenter.Segmenter`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Calibration, Precision
from slotlight.files import digest
from slotlight.model.controls import ClusterControl, kmeans_clusters, spectral_clusters
from slotlight.model.heuristics import find_objects
from slotlight.model.slot_model import SlotModel, build_slot_model
from slotlight.segmenter import BackboneSegmenter, Segmenter, SlotMasks, WithoutControls
from slotlight.tensors import tensors_digest
from slotlight.version import __version__


class _Same(TypedDict):
    precision: Precision
    calibration: Calibration


class ModelSegmenter(BackboneSegmenter):
    """A frozen backbone and a trained slot model as one segmenter; see `BackboneSegmenter`."""

    is_seeded = True

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        model: SlotModel,
        *,
        precision: Precision = "fp32",
        calibration: Calibration | None = None,
    ) -> None:
        size = model.config.backbone.image_size
        super().__init__(name, backbone, image_size=size, precision=precision, calibration=calibration)
        self.model = model.eval().requires_grad_(False)

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        weights = tensors_digest(self.model.state_dict())
        # The weights file's path does not decide what is found; its content does.
        config = repr(replace(self.model.config, backbone=replace(self.model.config.backbone, weights=None)))
        settings = (self.precision, repr(self.calibration), __version__)
        return digest(config, weights, self.backbone.fingerprint(), *settings)

    def controls(self) -> Sequence[Segmenter]:
        """k-means and a normalised cut in place of the slots, and the slots as they were before training (seed 0)."""
        config, backbone, standardise = self.model.config, self.backbone, self.model.standardise
        same: _Same = {"precision": self.precision, "calibration": self.calibration}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            untrained = build_slot_model(config, backbone.dim, self.model.grid).to(self.device)
        untrained.standardise = standardise
        clusters = {"kmeans": kmeans_clusters, "spectral": spectral_clusters}
        return [
            *(
                ClusterControl(f"{self.name}-{name}", backbone, config, standardise, cluster, **same)
                for name, cluster in clusters.items()
            ),
            Untrained(f"{self.name}-untrained", backbone, untrained, **same),
        ]

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """Segment RGB images in [0, 1], whose sides are multiples of ``patch_size``."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            features = self.backbone(images)
            found = self.model.segment_features(features.patches, features.grid, seed=seed)
        objects = find_objects(
            found.masks.float().unflatten(2, features.grid),
            found.features.float(),
            found.foreground,
            found.agreement.float() if self.model.attention.heads > 1 else None,
            images,
            self.model.config.heuristics,
        )
        maps = features.patches.float().transpose(1, 2).unflatten(2, features.grid)
        return replace(objects, features=maps)


class Untrained(WithoutControls, ModelSegmenter):
    """A model before training; it is a control itself."""
