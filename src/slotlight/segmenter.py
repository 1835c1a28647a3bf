"""The one interface that everything downstream knows: photographs in, slot masks and scores out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

if TYPE_CHECKING:
    from slotlight.backbones import Backbone


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
    """

    masks: Float[Tensor, "batch slot height width"]
    scores: Float[Tensor, "batch slot"]
    groups: Int64[Tensor, "batch slot"] | None = None
    raw_masks: Float[Tensor, "batch raw rows columns"] | None = None
    agreement: Float[Tensor, "batch raw"] | None = None

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


@runtime_checkable
class Segmenter(Protocol):
    """Whatever turns photographs into slot masks: the model, a floor or a baseline.

    Attributes:
        name: What tables call it.
        image_size: Photographs are resized to about ``image_size²`` pixels, their aspect ratio kept.
        patch_size: Both sides of what `segment` is given are multiples of it.
        is_seeded: Whether another seed may give another result.
    """

    name: str
    image_size: int
    patch_size: int
    is_seeded: bool

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
