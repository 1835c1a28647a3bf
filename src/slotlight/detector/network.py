"""torchvision's Mask R-CNN on a backbone's stages, with a small pyramid and small heads.

Two things differ from supervised detection. Regions that stand in for labels are few, and most objects have none: a
proposal that overlaps no region is therefore neither right nor wrong, and does not count. And photographs are read by
Slotlight's own rules, so the network's resizing and normalising are left out.

Source:
    He et al., Mask R-CNN (arXiv 1703.06870); what does not count: CutLER (arXiv 2301.11320).
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign, box_iou
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from slotlight.config import DetectorConfig

UNTOUCHED = 0.01
"""A proposal whose IoU with every region is at most this does not count."""

STRIDE = 32
"""Both sides of an image are multiples of it: the step of the coarsest stage."""


class StagePyramid(nn.Module):
    """A network's stages and a feature pyramid on them.

    A backbone's batch normalisation is part of its convolutions already, and so keeps its statistics.

    Args:
        network: Gives its maps, finest first.
        channels: Of the maps.
        width: Of the pyramid.
    """

    def __init__(self, network: nn.Module, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.network, self.out_channels = network, width
        self.pyramid = FeaturePyramidNetwork(list(channels), width, LastLevelMaxPool())

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """The levels of the pyramid, finest first."""
        maps = self.network(images)
        found: dict[str, Tensor] = self.pyramid(OrderedDict((str(n), one) for n, one in enumerate(maps)))
        return found


class PartlyLabelledHeads(RoIHeads):
    """Heads for photographs of which only some objects are known."""

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As torchvision does, but what overlaps no region does not count (label -1)."""
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for boxes, known, label in zip(proposals, gt_boxes, labels, strict=True):
            if len(known):
                label[box_iou(known, boxes).amax(dim=0) <= UNTOUCHED] = -1
            else:
                label[:] = -1
        return matched, labels


def build_detector(stages: Any, config: DetectorConfig) -> MaskRCNN:
    """A detector on a network's stages, which it takes over and goes on training.

    Args:
        stages: The network of the embedded `slotlight.backbones.Backbone`, which gives three maps, finest first.
        config: Sizes of what stands on it.
    """
    width = config.width
    pyramid = StagePyramid(stages, stages.feature_info.channels(), width)
    levels = ["0", "1", "2"]
    network = MaskRCNN(
        pyramid,
        rpn_anchor_generator=AnchorGenerator(
            tuple((side,) for side in config.anchors), ((0.5, 1.0, 2.0),) * len(config.anchors)
        ),
        rpn_pre_nms_top_n_train=500,
        rpn_post_nms_top_n_train=300,
        rpn_pre_nms_top_n_test=400,
        rpn_post_nms_top_n_test=200,
        rpn_batch_size_per_image=128,
        box_batch_size_per_image=64,
        box_roi_pool=MultiScaleRoIAlign(levels, 7, 2),
        box_head=TwoMLPHead(width * 49, config.hidden),
        box_predictor=FastRCNNPredictor(config.hidden, 2),
        box_score_thresh=0.02,
        box_nms_thresh=config.overlap,
        box_detections_per_img=config.most,
        mask_roi_pool=MultiScaleRoIAlign(levels, 14, 2),
        mask_head=MaskRCNNHeads(width, (width, width), 1),
        mask_predictor=MaskRCNNPredictor(width, width, 2),
        image_mean=stages.pretrained_cfg["mean"],
        image_std=stages.pretrained_cfg["std"],
        _skip_resize=True,
    )
    network.roi_heads.__class__ = PartlyLabelledHeads
    return network.requires_grad_(True)
