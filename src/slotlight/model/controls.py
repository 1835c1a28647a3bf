"""A model without the part that it praises: its heuristics on clusters, and its slots before training.

They stand in every table beside the model: what is left above them is what its slots learnt.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.backbones import Backbone
from slotlight.config import Calibration, ModelConfig, Precision
from slotlight.files import digest
from slotlight.model.foreground import foreground_map, with_foreground
from slotlight.model.heuristics import find_objects
from slotlight.model.kmeans import kmeans
from slotlight.model.partition import normalised_cut
from slotlight.model.patch_graph import node_side, with_diffusion
from slotlight.segmenter import BackboneSegmenter, SlotMasks, WithoutControls
from slotlight.tensors import tensors_digest
from slotlight.version import __version__

Cluster = Callable[
    [Float[Tensor, "batch patch dim"], tuple[int, int], ModelConfig, int], Int[Tensor, "batch patch"]
]
"""From what slots read, its grid, their model's config and a seed to each patch's cluster; as many as slots."""


def kmeans_clusters(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], config: ModelConfig, seed: int
) -> Int[Tensor, "batch patch"]:
    """k-means of what slot attention reads: normalised features."""
    features = with_diffusion(features, grid, node_side(grid), config)
    return kmeans(F.layer_norm(features, features.shape[-1:]), config.slots.slots, seed=seed)


def spectral_clusters(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], config: ModelConfig, seed: int
) -> Int[Tensor, "batch patch"]:
    """The normalised cut that slots of the objective ``partition`` learn."""
    del seed
    return normalised_cut(features, grid, config)


class ClusterControl(WithoutControls, BackboneSegmenter):
    """Clusters in place of the slots: the same features, foreground map, grouping, background merge, boundaries.

    Args:
        name: What tables call it.
        backbone: Whose features are clustered.
        config: The model's; its number of slots is the number of clusters.
        standardise: The model's own scale of the features.
        cluster: How features are clustered.
        precision: Arithmetic of the backbone.
        calibration: The model's own.
    """

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        config: ModelConfig,
        standardise: nn.Module,
        cluster: Cluster = kmeans_clusters,
        *,
        precision: Precision = "fp32",
        calibration: Calibration | None = None,
    ) -> None:
        size = config.backbone.image_size
        super().__init__(name, backbone, image_size=size, precision=precision, calibration=calibration)
        self.config, self.standardise, self.cluster = config, standardise, cluster
        self.is_seeded = cluster is kmeans_clusters

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        heuristics, slots = repr(self.config.heuristics), self.config.slots.slots
        scale = tensors_digest(self.standardise.state_dict())
        settings = (
            self.cluster.__qualname__,
            self.image_size,
            self.precision,
            repr(self.calibration),
            __version__,
        )
        cut = (self.config.standardise, self.config.partition_temperature, self.config.diffusion_steps)
        return digest(self.name, heuristics, slots, scale, cut, self.backbone.fingerprint(), *settings)

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """See `slotlight.segmenter.Segmenter`."""
        features = self.backbone.at_precision(images, self.precision)
        patches, heuristics = self.standardise(features.patches.float()), self.config.heuristics
        foreground = foreground_map(patches, features.grid, heuristics)
        patches = with_foreground(patches, foreground, heuristics.foreground_weight)
        clusters = self.cluster(patches, features.grid, self.config, seed)
        masks = (
            F.one_hot(clusters, self.config.slots.slots).movedim(-1, 1).float().unflatten(2, features.grid)
        )
        return find_objects(masks, patches, foreground, None, images, heuristics)
