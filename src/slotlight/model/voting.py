"""Many partitions of a backbone's features that vote, as a `slotlight.segmenter.Segmenter`; nothing is trained."""

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import HeuristicsConfig, Precision, ProposalConfig
from slotlight.files import digest
from slotlight.model.evidence import evidence
from slotlight.model.proposals import propose_regions
from slotlight.model.refinement import refine_masks
from slotlight.segmenter import BackboneSegmenter, Regions, SlotMasks, WithoutControls, layered
from slotlight.version import __version__


class VotingSegmenter(WithoutControls, BackboneSegmenter):
    """Regions that normalised cuts of the features, coarse and fine, agree on.

    Args:
        name: What tables call it.
        backbone: Whose features are cut.
        image_size: About the square root of the pixels at which photographs are read.
        heuristics: Of the foreground map, the background, the boundaries.
        precision: Arithmetic of the backbone.
    """

    is_seeded = False

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        *,
        image_size: int,
        heuristics: HeuristicsConfig,
        precision: Precision = "fp32",
    ) -> None:
        super().__init__(name, backbone, image_size=image_size, precision=precision)
        self.heuristics, self.config = heuristics, ProposalConfig()

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        settings = (repr(self.heuristics), repr(self.config), self.image_size, self.precision, __version__)
        return digest(self.name, self.backbone.fingerprint(), *settings)

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:  # noqa: ARG002
        """See `slotlight.segmenter.Segmenter`."""
        features = self.backbone.at_precision(images, self.precision)
        found = propose_regions(features.patches.float(), features.grid, self.heuristics, self.config)
        shown = evidence(images, self.heuristics)
        fine = [
            Regions(self._refined(regions, image), (regions.scores * show.cpu()))
            for regions, image, show in zip(found, images, shown, strict=True)
        ]
        return layered(fine)

    def _refined(
        self, regions: Regions, image: Float[Tensor, "3 height width"]
    ) -> Float[Tensor, "region rows columns"]:
        if not self.heuristics.refine:
            return regions.masks
        masks = regions.masks.to(image.device)
        return refine_masks(masks[None], image[None], self.heuristics).squeeze(0)
