"""The autoregressive decoder: each patch is predicted from the slots and from the patches before it.

Neighbours say most of what a patch looks like, so that the slots must tell what they cannot: where things end and what
they are. In training a batch is read in one of eight orders, drawn anew, so that no place is always first.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.model.decoder import Decoded, Decoder
from slotlight.model.positions import Grid, Positions

HEAD_WIDTH = 64


class TransformerDecoder(Decoder):
    """A causal transformer over patches that reads the slots; its masks are how much each patch reads each slot.

    The input of a patch is the feature of the patch before it in the order, and the embedding of its own place; the
    first follows a learned token. Masks are the last block's attention to the slots, averaged over its attention heads
    (not heads of slots), and are read row by row.

    Unlike SPOT, the place of the patch that is to be predicted tells the order, in place of one first token for each
    order; and its orders are the eight that begin in a corner and run along rows or columns, without its spiral.

    Source: the transformer decoder of DINOSAUR (arXiv 2209.14860); permuted orders as in SPOT (arXiv 2312.00648).

    Example:
        >>> decoder = TransformerDecoder(24, (4, 6), hidden=48, layers=2)
        >>> slots, features = torch.randn(2, 5, 24), torch.randn(2, 24, 24)
        >>> decoded = decoder(slots, (4, 6), target=features)
        >>> tuple(decoded.reconstruction.shape), tuple(decoder.masks(slots, (4, 6), target=features).shape)
        ((2, 24, 24), (2, 5, 24))
    """

    def __init__(self, dim: int, grid: Grid, *, hidden: int = 1536, layers: int = 4) -> None:
        super().__init__()
        width = HEAD_WIDTH * max(1, dim // HEAD_WIDTH)
        self.positions = Positions(grid, width)
        self.first = nn.Parameter(torch.randn(dim) * 0.02)
        self.embed = nn.Linear(dim, width)
        self.norm_slots = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(_Block(width, dim, hidden) for _ in range(layers))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))

    def forward(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        patches: Int64[Tensor, " patch"] | None = None,
        *,
        target: Float[Tensor, "batch patch dim"] | None = None,
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Decoded:
        """Reconstruct the features of a grid's patches, each from those before it in an order that is drawn."""
        if patches is not None or keep is not None or target is None:
            raise ValueError("The transformer decodes all patches and all slots, and needs the features.")
        orders = patch_orders(grid, slots.device)
        return self._decode(slots, grid, target, orders[torch.randint(len(orders), ())])

    def masks(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        *,
        target: Float[Tensor, "batch patch dim"] | None = None,
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Float[Tensor, "batch slot patch"]:
        """The masks alone, patches being read row by row."""
        if keep is not None or target is None:
            raise ValueError("The transformer decodes all slots, and needs the features.")
        return self._decode(slots, grid, target, patch_orders(grid, slots.device)[0]).masks

    def _decode(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        target: Float[Tensor, "batch patch dim"],
        order: Int64[Tensor, " patch"],
    ) -> Decoded:
        before = torch.cat([self.first.expand(len(target), 1, -1), target[:, order[:-1]]], dim=1)
        tokens = self.embed(before) + self.positions(grid, order)  #  (batch, patch, width), in this order
        read = self.norm_slots(slots)
        for block in self.blocks:
            tokens, masks = block(tokens, read)
        back = order.argsort()
        return Decoded(self.out(tokens)[:, back], masks[:, back].transpose(1, 2))


def patch_orders(grid: Grid, device: torch.device | None = None) -> Int64[Tensor, "8 patch"]:
    """Ways to read a grid: row by row or column by column, from each of its corners. The first is as in a book.

    Example:
        >>> patch_orders((2, 3))[[0, 1, 4]].tolist()
        [[0, 1, 2, 3, 4, 5], [3, 4, 5, 0, 1, 2], [0, 3, 1, 4, 2, 5]]
    """
    places = torch.arange(grid[0] * grid[1], device=device).view(grid)
    corners = [places.flip(sides) for sides in ((), (0,), (1,), (0, 1))]
    return torch.stack([*(one.flatten() for one in corners), *(one.T.flatten() for one in corners)])


class _Block(nn.Module):
    """Patches read those before them, then the slots, then an MLP."""

    def __init__(self, width: int, dim: int, hidden: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.norm_query = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(dim, 2 * width, bias=False)
        self.out_slots = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)
        )

    def forward(
        self, tokens: Float[Tensor, "batch patch width"], slots: Float[Tensor, "batch slot dim"]
    ) -> tuple[Float[Tensor, "batch patch width"], Float[Tensor, "batch patch slot"]]:
        """What the patches know then, and how much each has read each slot."""
        query, key, value = map(self._by_head, self.query_key_value(self.norm(tokens)).chunk(3, dim=-1))
        before = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        tokens = tokens + self.out(before.transpose(1, 2).flatten(2))
        key, value = map(self._by_head, self.key_value(slots).chunk(2, dim=-1))
        query = self._by_head(self.query(self.norm_query(tokens)))
        weights = (query @ key.mT * HEAD_WIDTH**-0.5).softmax(dim=-1)  #  (batch, attention head, patch, slot)
        tokens = tokens + self.out_slots((weights @ value).transpose(1, 2).flatten(2))
        return tokens + self.mlp(tokens), weights.mean(dim=1)

    def _by_head(self, rows: Float[Tensor, "batch row width"]) -> Float[Tensor, "batch head row part"]:
        split: Tensor = rows.unflatten(2, (self.heads, HEAD_WIDTH)).transpose(1, 2)
        return split
