"""A trained detector as a `slotlight.segmenter.Segmenter`."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import paste_masks_in_image

from slotlight.backbones import Backbone
from slotlight.config import Calibration, DetectorConfig, Precision
from slotlight.detector.network import STRIDE
from slotlight.files import digest
from slotlight.segmenter import Regions, SlotMasks, WithoutControls, layered
from slotlight.tensors import tensors_digest
from slotlight.version import __version__

CELL = 2
"""Pixels along a side of a cell of the masks, at the size at which a photograph is read."""


class DetectorSegmenter(WithoutControls):
    """A detector that learned from regions; all that it finds are candidates, the best of them share the photograph.

    Args:
        name: What tables call it.
        network: Of `slotlight.detector.network.build_detector`, trained; or another of torchvision's R-CNNs.
        config: What it was built with.
        precision: Arithmetic of the forward pass.
        calibration: What makes probabilities of its scores.
    """

    is_seeded = False
    backbone: Backbone | None = None
    patch_size = STRIDE

    def __init__(
        self,
        name: str,
        network: FasterRCNN,
        config: DetectorConfig,
        *,
        precision: Precision = "fp32",
        calibration: Calibration | None = None,
    ) -> None:
        self.name, self.config, self.precision = name, config, precision
        self.network = network.eval().requires_grad_(False)
        self.image_size, self.calibration = config.image_size, calibration or Calibration()

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        weights: Tensor = next(self.network.parameters())
        return weights.device

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        weights = tensors_digest(self.network.state_dict())
        return digest(repr(self.config), weights, self.precision, repr(self.calibration), __version__)

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:  # noqa: ARG002
        """See `slotlight.segmenter.Segmenter`."""
        network, size = self.network, (images.shape[2], images.shape[3])
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            normal = torch.stack([network.transform.normalize(image) for image in images])
            maps = network.backbone(normal)
            batch = ImageList(normal, [size] * len(images))
            proposals, _ = network.rpn(batch, maps)
            found, _ = network.roi_heads(maps, proposals, batch.image_sizes)
        return layered([_regions(one, size) for one in found])


def _regions(found: dict[str, Tensor], size: tuple[int, int]) -> Regions:
    cells = (size[0] // CELL, size[1] // CELL)
    boxes = found["boxes"].float()
    # A detector without a mask head: an object fills its box.
    inside = found["masks"].float() if "masks" in found else boxes.new_ones(len(boxes), 1, 28, 28)
    masks = paste_masks_in_image(inside, boxes / CELL, cells)
    return Regions(masks.squeeze(1), found["scores"].float())
