"""The one interface that everything downstream knows: photographs in, slot masks and scores out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import Calibration, Precision

if TYPE_CHECKING:
    from slotlight.backbones import Backbone


MOST_LAYERS = 20
"""Slots of `layered` regions, beside the background."""


@dataclass(frozen=True)
class Regions:
    """Candidates for the objects of one photograph, best first; they may overlap.

    Attributes:
        masks: How much of each cell belongs to each, in [0, 1].
        scores: In [0, 1], descending.
    """

    masks: Float[Tensor, "region rows columns"]
    scores: Float[Tensor, " region"]


@dataclass(frozen=True)
class SlotMasks:
    """What a segmenter finds in a batch of photographs of one size, on its own (patch) grid.

    Attributes:
        masks: How much of each cell belongs to each slot; they sum to one over slots.
        scores: How sure each slot is one object, in [0, 1]; exactly 0 is background.
        groups: Slots of an image with the same number are parts of one object and share its score; without it
            each slot is an object of its own.
        raw_masks: The slots' own masks, before background slots are merged and boundaries refined; without it,
            ``masks`` are.
        agreement: How far the heads of a multi-query model agree on each raw slot: a mean cosine similarity.
        regions: Of each photograph, all candidates, where the segmenter has more than those in ``masks``.
        whole: Whether a slot is one object even if it falls into several parts.
        features: Of the photographs' patches, where the segmenter has read a backbone's.
    """

    masks: Float[Tensor, "batch slot height width"]
    scores: Float[Tensor, "batch slot"]
    groups: Int64[Tensor, "batch slot"] | None = None
    raw_masks: Float[Tensor, "batch raw rows columns"] | None = None
    agreement: Float[Tensor, "batch raw"] | None = None
    regions: Sequence[Regions] | None = None
    whole: bool = False
    features: Float[Tensor, "batch dim patchrows patchcolumns"] | None = None

    @property
    def group_of(self) -> Int64[Tensor, "batch slot"]:
        """The group of each slot; its own index where none are given."""
        if self.groups is not None:
            return self.groups
        return torch.arange(self.scores.shape[1], device=self.scores.device).expand(self.scores.shape)

    @property
    def raw(self) -> Float[Tensor, "batch raw rows columns"]:
        """The slots' own masks."""
        return self.masks if self.raw_masks is None else self.raw_masks


def layered(regions: Sequence[Regions]) -> SlotMasks:
    """Regions as slots that share each cell: what lies in several belongs to the best-scored of them.

    The last slot is what lies in none: background, of score 0. Regions beyond the best `MOST_LAYERS` stay candidates.

    Args:
        regions: One for each photograph of a batch, on one grid.

    Example:
        >>> masks = torch.tensor([[[1.0, 1, 0, 0]], [[0.0, 1, 1, 0]]])
        >>> found = layered([Regions(masks, torch.tensor([0.9, 0.5]))])
        >>> found.masks[0, :, 0].tolist(), [round(score, 1) for score in found.scores[0].tolist()]
        ([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]], [0.9, 0.5, 0.0])
    """
    most = min(MOST_LAYERS, max(len(one.scores) for one in regions))
    masks = torch.stack(
        [F.pad(one.masks[:most], (0, 0, 0, 0, 0, max(0, most - len(one.masks)))) for one in regions]
    )
    scores = torch.stack(
        [F.pad(one.scores[:most], (0, most + 1 - min(most, len(one.scores)))) for one in regions]
    )
    left = torch.cat([torch.ones_like(masks[:, :1]), (1 - masks).cumprod(dim=1)], dim=1)
    slots = torch.cat([masks * left[:, :-1], left[:, -1:]], dim=1)
    return SlotMasks(slots, scores, regions=regions, whole=True)


@runtime_checkable
class Segmenter(Protocol):
    """Whatever turns photographs into slot masks: the model, a floor or a baseline.

    Attributes:
        name: What tables call it.
        image_size: Photographs are resized to about ``image_size²`` pixels, their aspect ratio kept.
        patch_size: Both sides of what `segment` is given are multiples of it.
        is_seeded: Whether another seed may give another result.
        calibration: What makes probabilities of its scores.
    """

    name: str
    image_size: int
    patch_size: int
    is_seeded: bool
    calibration: Calibration

    @property
    def backbone(self) -> "Backbone | None":
        """Whose features it reads; None where it reads none."""
        ...

    @property
    def device(self) -> torch.device:
        """Where `segment` wants its images."""
        ...

    def fingerprint(self) -> str:
        """A hash of everything that decides its results: equal for equal results, in any process."""
        ...

    def controls(self) -> "Sequence[Segmenter]":
        """The same without the part that is praised, for comparison; none for what learns nothing."""
        ...

    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """Segment RGB images in [0, 1]; an image's result does not depend on its batch."""
        ...


class WithoutControls:
    """For segmenters that learn nothing or are controls themselves."""

    def controls(self) -> Sequence[Segmenter]:
        """None."""
        return ()


class BackboneSegmenter:
    """What segmenters that read a backbone's features have in common.

    Args:
        name: What tables call it.
        backbone: Whose features it reads.
        image_size: About the square root of the pixels at which photographs are read.
        precision: Arithmetic of the backbone.
        calibration: What makes probabilities of its scores.
    """

    def __init__(
        self,
        name: str,
        backbone: "Backbone",
        *,
        image_size: int,
        precision: Precision = "fp32",
        calibration: Calibration | None = None,
    ) -> None:
        self.name, self.backbone, self.precision = name, backbone, precision
        self.calibration = calibration or Calibration()
        self.image_size, self.patch_size = image_size, backbone.patch_size

    @property
    def device(self) -> torch.device:
        """That of the backbone."""
        return self.backbone.device
