"""An adaptive number of slots: a photograph keeps those that it needs, and the others explain nothing.

Source: AdaSlot (Fan et al., arXiv 2406.09196): each slot is kept or dropped by a sample of its own (Gumbel-softmax with
two classes, straight through), dropped slots are masked in the decoder, and the expected number of slots costs.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.model.assignment import ALONE, Share

KEPT_AT_FIRST = 2.0
"""Logit of keeping a slot before training: nearly nine of ten."""

Kept = Float[Tensor, "batch slot"]


class SlotCount(nn.Module):
    """From slots to which of them count; at least one does.

    Example:
        >>> count = SlotCount(16)
        >>> count(torch.randn(2, 5, 16)).tolist() == [[1.0] * 5] * 2  # before training, all
        True
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        last = nn.Linear(dim, 1)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, KEPT_AT_FIRST)
        self.score = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU(), last)

    def forward(self, slots: Float[Tensor, "batch slot dim"]) -> Kept:
        """One for each slot that is more likely kept than not, else zero."""
        logits = self._logits(slots)
        return _at_least_one(logits > 0, logits)

    def sample(
        self,
        slots: Float[Tensor, "batch slot dim"],
        share: Share = ALONE,
        places: Int64[Tensor, " batch"] | None = None,
    ) -> tuple[Kept, Kept]:
        """A draw, whose gradient is that of its soft form; and how likely each slot is kept.

        Args:
            slots: Of some images.
            share: The part of a larger batch that they are.
            places: Where they are in it; needed where there is more of it.
        """
        logits = self._logits(slots)
        uniform = torch.rand(len(logits) * share.world, logits.shape[1], device=logits.device)
        if share.world > 1:
            uniform = uniform[places]
        uniform = uniform.clamp(1e-6, 1 - 1e-6)
        soft = (logits + uniform.logit()).sigmoid()
        drawn = _at_least_one(soft > 0.5, logits)
        return drawn + soft - soft.detach(), logits.sigmoid()

    def _logits(self, slots: Float[Tensor, "batch slot dim"]) -> Kept:
        logits: Tensor = self.score(slots)
        return logits.squeeze(-1).float()


def _at_least_one(chosen: Tensor, logits: Kept) -> Kept:
    likeliest = F.one_hot(logits.argmax(dim=1), logits.shape[1]).bool()
    return (chosen | likeliest & ~chosen.any(dim=1, keepdim=True)).to(logits)
