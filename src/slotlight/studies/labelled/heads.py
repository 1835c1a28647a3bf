"""Small networks that read classes off the features of a frozen backbone, and what they find as slot masks."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import UnknownNameError
from slotlight.files import digest
from slotlight.segmenter import BackboneSegmenter, SlotMasks, WithoutControls
from slotlight.tensors import tensors_digest
from slotlight.version import __version__

HeadKind = Literal["linear", "mask"]

WIDTH = 128
"""Channels of the mask head."""


class LabelHead(nn.Module):
    """A head on patch features, each number of which is standardised by its mean and deviation in training.

    Args:
        kind: ``linear`` classifies each patch by itself; ``mask`` sees two patches around it and doubles the grid, as
            Mask R-CNN's mask head ends.
        dim: Length of a feature.
        classes: Of the labels, background among them.

    Example:
        >>> LabelHead("mask", dim=8, classes=3)(torch.rand(2, 12, 8), (3, 4)).shape
        torch.Size([2, 3, 6, 8])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: str, dim: int, classes: int) -> None:
        super().__init__()
        if kind not in get_args(HeadKind):
            raise UnknownNameError("head", kind, get_args(HeadKind))
        self.kind, self.dim, self.classes = kind, dim, classes
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("deviation", torch.ones(dim))
        self.layers = nn.Conv2d(dim, classes, 1) if kind == "linear" else _mask_layers(dim, classes)

    def forward(
        self, features: Float[Tensor, "batch patch dim"], grid: tuple[int, int]
    ) -> Float[Tensor, "batch class rows columns"]:
        """How much each cell looks like each class, as logits."""
        standard = (features - self.mean) / self.deviation
        found: Tensor = self.layers(standard.transpose(1, 2).unflatten(2, grid))
        return found


def _mask_layers(dim: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(dim, WIDTH, 3, padding=1), nn.GELU()),
        *(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GELU()),
        *(nn.ConvTranspose2d(WIDTH, WIDTH // 2, 2, stride=2), nn.GELU()),
        nn.Conv2d(WIDTH // 2, classes, 1),
    )


def as_slots(logits: Float[Tensor, "batch class rows columns"]) -> SlotMasks:
    """Classes as slots: a cell is background or its likeliest class, which stands for all that is not background.

    So doubt between two classes does not make background. A class scores its mean probability where it wins, the
    background 0.

    Example:
        >>> found = as_slots(torch.tensor([[[[4.0, 0.4]], [[0.0, 0.3]], [[0.0, 0.2]]]]))
        >>> found.masks.argmax(dim=1).tolist(), [round(score, 2) for score in found.scores[0].tolist()]
        ([[[0, 1]]], [0.0, 0.63, 0.0])
    """
    shares = logits.softmax(dim=1)
    background, classes = shares[:, :1], shares[:, 1:]
    likeliest = F.one_hot(classes.argmax(dim=1), classes.shape[1]).movedim(-1, 1)
    masks = torch.cat([background, (1 - background) * likeliest], dim=1)
    winners = F.one_hot(masks.argmax(dim=1), masks.shape[1]).movedim(-1, 1)
    scores = (masks * winners).sum(dim=(2, 3)) / winners.sum(dim=(2, 3)).clamp(min=1)
    scores[:, 0] = 0
    shown = masks * (winners.amax(dim=(2, 3), keepdim=True) > 0)
    return SlotMasks(shown / shown.sum(dim=1, keepdim=True).clamp(min=1e-6), scores)


class HeadSegmenter(WithoutControls, BackboneSegmenter):
    """A frozen backbone and a head that learned from labels, as a `slotlight.segmenter.Segmenter`.

    Args:
        name: What tables call it.
        backbone: Whose features it reads.
        head: Trained.
        image_size: Photographs are read at about this many pixels squared.
        precision: Arithmetic of the backbone.
    """

    is_seeded = False

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        head: LabelHead,
        *,
        image_size: int,
        precision: Precision = "fp32",
    ) -> None:
        super().__init__(name, backbone, image_size=image_size, precision=precision)
        self.head = head.eval().requires_grad_(False)

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        weights = tensors_digest(self.head.state_dict(), self.head.kind)
        return digest(weights, self.backbone.fingerprint(), self.image_size, self.precision, __version__)

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:  # noqa: ARG002
        """See `slotlight.segmenter.Segmenter`."""
        features = self.backbone.at_precision(images, self.precision)
        return as_slots(self.head(features.patches.float(), features.grid))
