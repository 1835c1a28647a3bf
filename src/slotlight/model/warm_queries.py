"""Warm queries: where slots begin is learned from where they end.

Queries of noise know nothing of the photograph, and the few iterations of slot attention must make up for that. A
small module turns them into queries that resemble the slots that will come of them.
"""

from jaxtyping import Float
from torch import Tensor, nn

from slotlight.model.decoders import CrossAttention


class Preheat(nn.Module):
    """Cold queries read the photograph's patches, then one another; shared by all heads of slots.

    It learns from the slots of the last iteration alone: no gradient flows from the slots into the queries, nor from
    the queries into the patches.

    Source: SmoothSA (arXiv 2508.05417), its preheating; there the patches learn from it too, after a tenth of the run.

    Example:
        >>> import torch
        >>> preheat = Preheat(16)
        >>> tuple(preheat(torch.randn(2, 3 * 4, 16), torch.randn(2, 36, 16), slots=4).shape)  # three heads of four
        (2, 12, 16)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.read_patches, self.read_queries = CrossAttention(dim), CrossAttention(dim)

    def forward(
        self,
        queries: Float[Tensor, "image headslot dim"],
        patches: Float[Tensor, "image patch dim"],
        slots: int,
    ) -> Float[Tensor, "image headslot dim"]:
        """Preheated queries; those of a head see no other head's."""
        informed: Tensor = self.read_patches(queries, patches)
        own = informed.unflatten(1, (-1, slots)).flatten(0, 1)  #  (image·head, slot, dim)
        warm: Tensor = self.read_queries(own, own)
        by_image: Tensor = warm.unflatten(0, (len(queries), -1)).flatten(1, 2)
        return by_image
