"""What a `slotlight.model.slot_model.SlotModel` asks of its slots: the interface of slot attention and its kin."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class HeadSlots:
    """What every head finds in every image it is given.

    Attributes:
        slots: The slots after the last iteration.
        attention: Softmax over slots in the last iteration, for every patch.
        queries: What the slots began as; warm ones learn to be ``slots``.
    """

    slots: Float[Tensor, "head batch slot dim"]
    attention: Float[Tensor, "head batch slot patch"]
    queries: Float[Tensor, "head batch slot dim"]


class SlotMethod(nn.Module):
    """Heads of slots that compete for the patches of an image.

    Attributes:
        heads: Independent sets of slots.
        preheat: What learns where slots end, to begin there; None where nothing does.
    """

    heads: int
    preheat: nn.Module | None

    def noise(
        self, images: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "head images slot *dim"]:
        """What is drawn for the initial slots, on the generator's device or the model's own."""
        raise NotImplementedError

    def forward(
        self,
        features: Float[Tensor, "group images patch dim"],
        noise: Float[Tensor, "head noisy slot *dim"],
    ) -> HeadSlots:
        """Run every head on its images.

        Args:
            features: One group of images that every head sees (inference), or as many groups as heads, the
                g-th for the g-th head alone (training).
            noise: See `noise`; for every image (``noisy = images``) or one draw for all (``noisy = 1``).
        """
        raise NotImplementedError
