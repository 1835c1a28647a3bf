"""What a `slotlight.model.slot_model.SlotModel` asks of its decoder: the interface of all decoders."""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor, nn

from slotlight.model.positions import Grid, Positions


@dataclass(frozen=True)
class Decoded:
    """What a decoder makes of an image's slots.

    Attributes:
        reconstruction: The features of the decoded patches.
        masks: How much of each decoded patch each slot explains; sums to one over slots.
    """

    reconstruction: Float[Tensor, "batch patch dim"]
    masks: Float[Tensor, "batch slot patch"]


class Decoder(nn.Module):
    """Slots → reconstructed features and slot masks: the interface of all decoders."""

    positions: Positions

    def forward(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        patches: Int64[Tensor, " patch"] | None = None,
        *,
        target: Float[Tensor, "batch all dim"] | None = None,
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Decoded:
        """Reconstruct features from slots.

        Args:
            slots: Of each image.
            grid: Rows and columns of patches.
            patches: Those to reconstruct; without it, all.
            target: The features themselves, for a decoder that reads them.
            keep: Which slots count, 1 or 0; without it, all.
        """
        raise NotImplementedError

    def masks(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        *,
        target: Float[Tensor, "batch all dim"] | None = None,  # noqa: ARG002
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Float[Tensor, "batch slot patch"]:
        """The masks alone, of all patches; see `forward`."""
        return kept(self._masks(slots, grid), keep)

    def _masks(self, slots: Float[Tensor, "batch slot dim"], grid: Grid) -> Float[Tensor, "batch slot patch"]:
        raise NotImplementedError


def kept(
    masks: Float[Tensor, "batch slot patch"], keep: Float[Tensor, "batch slot"] | None
) -> Float[Tensor, "batch slot patch"]:
    """Masks of the slots that count, made to sum to one again.

    Example:
        >>> import torch
        >>> kept(torch.tensor([[[0.5], [0.25], [0.25]]]), torch.tensor([[1.0, 0.0, 1.0]])).flatten()
        tensor([0.6667, 0.0000, 0.3333])
    """
    if keep is None:
        return masks
    left = masks * keep.unsqueeze(2)
    return left / left.sum(dim=1, keepdim=True).clamp(min=1e-6)
