"""Slots → reconstructed features and slot masks, patch by patch; `DECODERS` names every decoder.

The broadcast decoder adds each slot to each position and runs an MLP on every such pair. Its first layer is
linear in (slot + position), so it is applied once a slot and once a position; its last layer is linear and the
masks sum to one, so the hidden activations are mixed over slots first and it is applied once a patch. Only the mask
logit and the middle layers are computed for every pair. The numbers are those of the plain form, to rounding.
"""

from itertools import pairwise

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.config import DecoderConfig, DecoderKind
from slotlight.model.decoder import Decoded, Decoder, kept
from slotlight.model.positions import Grid, Positions
from slotlight.model.transformer_decoder import TransformerDecoder


class MLPDecoder(Decoder):
    """The paper's spatial broadcast decoder, computed without repeating itself.

    Source: DINOSAUR (arXiv 2209.14860), section 3.2 and appendix; the authors' ``decoder/decoders.py``.
    """

    def __init__(self, dim: int, grid: Grid, *, hidden: int = 1024, layers: int = 3) -> None:
        super().__init__()
        self.positions = Positions(grid, dim)
        self.first = nn.Linear(dim, hidden)
        middle = [m for _ in range(layers - 1) for m in (nn.Linear(hidden, hidden), nn.ReLU(inplace=True))]
        self.middle = nn.Sequential(*middle)
        self.feature = nn.Linear(hidden, dim)
        self.mask = nn.Linear(hidden, 1)

    def forward(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        patches: Int64[Tensor, " patch"] | None = None,
        *,
        target: Float[Tensor, "batch all dim"] | None = None,  # noqa: ARG002
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Decoded:
        """Reconstruct the features of a grid's patches, or of those of them that are named."""
        hidden = self._hidden(slots, grid, patches)
        masks = kept(self._masks_of(hidden), keep)
        mixed = (masks.mT.unsqueeze(2) @ hidden).squeeze(2)
        return Decoded(self.feature(mixed), masks)

    def _hidden(
        self, slots: Float[Tensor, "batch slot dim"], grid: Grid, patches: Int64[Tensor, " patch"] | None
    ) -> Float[Tensor, "batch patch slot hidden"]:
        by_position = self.first(self.positions(grid, patches))  #  (patch, hidden)
        by_slot = slots @ self.first.weight.T  #                    (batch, slot, hidden)
        pairs = F.relu(by_slot.unsqueeze(1) + by_position.unsqueeze(1), inplace=True)
        # Rows, not axes: nn.Linear would return a view of them, which autograd copies before it is changed in place.
        hidden: Tensor = self.middle(pairs.flatten(0, 2))
        return hidden.view_as(pairs)

    def _masks(self, slots: Float[Tensor, "batch slot dim"], grid: Grid) -> Float[Tensor, "batch slot patch"]:
        return self._masks_of(self._hidden(slots, grid, None))

    def _masks_of(
        self, hidden: Float[Tensor, "batch patch slot hidden"]
    ) -> Float[Tensor, "batch slot patch"]:
        logits: Tensor = self.mask(hidden)
        return logits.squeeze(-1).softmax(dim=2).mT


class MixerDecoder(Decoder):
    """Mix the slots for each patch first, then one MLP a patch.

    Each position asks the slots what is there (two cross-attention blocks), then weighs them; the weights are
    the masks, and only the weighted slot is decoded: the cost does not grow with the number of slots.

    Source: the Slot Mixer of OSRT (Sajjadi et al., arXiv 2206.06922, section 3.2).
    """

    def __init__(self, dim: int, grid: Grid, *, hidden: int = 1024, layers: int = 3) -> None:
        super().__init__()
        self.positions = Positions(grid, dim)
        self.blocks = nn.ModuleList(CrossAttention(dim) for _ in range(2))
        self.to_query = nn.Linear(dim, dim, bias=False)
        self.to_key = nn.Linear(dim, dim, bias=False)
        widths = [dim] + [hidden] * layers
        stack = [m for a, b in pairwise(widths) for m in (nn.Linear(a, b), nn.ReLU(inplace=True))]
        self.mlp = nn.Sequential(*stack, nn.Linear(hidden, dim))

    def forward(
        self,
        slots: Float[Tensor, "batch slot dim"],
        grid: Grid,
        patches: Int64[Tensor, " patch"] | None = None,
        *,
        target: Float[Tensor, "batch all dim"] | None = None,  # noqa: ARG002
        keep: Float[Tensor, "batch slot"] | None = None,
    ) -> Decoded:
        """Reconstruct the features of a grid's patches, or of those of them that are named."""
        positions = self.positions(grid, patches)
        masks = kept(self._mix(slots, positions), keep)
        return Decoded(self.mlp(masks.mT @ slots + positions), masks)

    def _masks(self, slots: Float[Tensor, "batch slot dim"], grid: Grid) -> Float[Tensor, "batch slot patch"]:
        return self._mix(slots, self.positions(grid))

    def _mix(
        self, slots: Float[Tensor, "batch slot dim"], positions: Float[Tensor, "patch dim"]
    ) -> Float[Tensor, "batch slot patch"]:
        asked = positions.expand(len(slots), -1, -1)
        for block in self.blocks:
            asked = block(asked, slots)
        logits: Tensor = self.to_key(slots) @ self.to_query(asked).transpose(1, 2)
        return logits.mul(slots.shape[-1] ** -0.5).softmax(dim=1)


class CrossAttention(nn.Module):
    """A transformer block in which patches read slots."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim, bias=False)
        self.key_value = nn.Linear(dim, 2 * dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )

    def forward(
        self, patches: Float[Tensor, "batch patch dim"], slots: Float[Tensor, "batch slot dim"]
    ) -> Float[Tensor, "batch patch dim"]:
        """What the patches know after reading the slots."""
        key, value = self.key_value(slots).chunk(2, dim=-1)
        read = F.scaled_dot_product_attention(self.query(self.norm(patches)), key, value)
        patches = patches + self.out(read)
        out: Tensor = patches + self.mlp(patches)
        return out


DECODERS: dict[DecoderKind, type[Decoder]] = {
    "mlp": MLPDecoder,
    "mixer": MixerDecoder,
    "transformer": TransformerDecoder,
}


def build_decoder(config: DecoderConfig, dim: int, grid: Grid) -> Decoder:
    """The decoder that a config asks for."""
    return DECODERS[config.kind](dim, grid, hidden=config.hidden, layers=config.layers)
