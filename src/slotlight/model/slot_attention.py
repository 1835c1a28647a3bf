"""Multi-query slot attention: several independent sets of slots over one key and value.

Two things are unusual here. All heads run in the same batched products: a head's own weights carry a leading
``head`` axis. And the shared key and value projections are applied to the few slots instead of the many
patches: ``q·(W_k x) = (W_kᵀ q)·x`` and ``Σ a (W_v x) = W_v Σ a x``, the same numbers in a fraction of the work.

In training the heads' weights are many beside the few slots of each head, so what costs is to read and write them.
Their gradient is therefore one product over all iterations, not a sum of one for each (`HeadLinear.begin`).
"""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.config import GruState, Queries
from slotlight.model.kmeans import kmeans_plus_plus
from slotlight.model.slot_method import HeadSlots, SlotMethod
from slotlight.model.warm_queries import Preheat

EPSILON = 1e-8

WITHIN_TANH = 0.5
"""Slots are tanh of what they find, which is near to linear for half of a normalised patch."""


class _Weight(torch.autograd.Function):
    """A weight in the precision of its products; its gradient is one product over all uses' rows."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, uses: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.uses, ctx.dtype = uses, weight.dtype
        ctx.set_materialize_grads(
            False
        )  # no gradient comes from the uses: they leave their factors in the list
        kind = weight.device.type
        return (
            weight.to(torch.get_autocast_dtype(kind))
            if torch.is_autocast_enabled(kind)
            else weight.view_as(weight)
        )

    @staticmethod
    def backward(ctx: Any, *_: Tensor | None) -> tuple[Tensor, None]:
        rows, gradients = (torch.cat(factors, dim=1) for factors in zip(*ctx.uses, strict=True))
        ctx.uses.clear()
        return (gradients.mT @ rows).to(ctx.dtype), None


class _Product(torch.autograd.Function):
    """Rows times a `_Weight`; leaves the factors of the weight's gradient in its list."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, uses: list[tuple[Tensor, Tensor]]) -> Tensor:
        x = x.to(weight.dtype)
        ctx.uses = uses
        ctx.save_for_backward(x, weight)
        return x @ weight.mT

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, weight = ctx.saved_tensors
        ctx.uses.append((x, gradients[0]))
        return gradients[0] @ weight, None, None


class HeadLinear(nn.Module):
    """A linear layer of each head's own: ``(head, rows, in) → (head, rows, out)`` in one product."""

    def __init__(self, heads: int, in_dim: int, out_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)  # as nn.Linear
        self.weight = nn.Parameter(torch.empty(heads, out_dim, in_dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(heads, out_dim).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Float[Tensor, "head rows in"]) -> Float[Tensor, "head rows out"]:
        """Apply each head's layer to its rows."""
        return self.begin()(x)

    def begin(self) -> Callable[[Tensor], Tensor]:
        """The layer, to be used several times in one forward pass."""
        uses: list[tuple[Tensor, Tensor]] = []
        weight: Tensor = _Weight.apply(self.weight, uses)

        def use(x: Tensor) -> Tensor:
            product: Tensor = _Product.apply(x, weight, uses)
            return product if self.bias is None else product + self.bias.unsqueeze(1)

        return use


class HeadLayerNorm(nn.Module):
    """Layer normalisation with each head's own scale and shift."""

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads, dim))
        self.bias = nn.Parameter(torch.zeros(heads, dim))

    def forward(self, x: Float[Tensor, "head rows dim"]) -> Float[Tensor, "head rows dim"]:
        """Normalise the last axis."""
        return torch.addcmul(self.bias.unsqueeze(1), F.layer_norm(x, x.shape[-1:]), self.weight.unsqueeze(1))


class HeadGRUCell(nn.Module):
    """`torch.nn.GRUCell`, one for each head; the three gates are stacked as there (reset, update, new)."""

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.input = HeadLinear(heads, dim, 3 * dim)
        self.hidden = HeadLinear(heads, dim, 3 * dim)

    @torch.no_grad()
    def take_input(self, share: float, state_bias: float) -> None:
        """Make the new state ``tanh(share · input)``, but for ``sigmoid(state_bias)`` of the old state."""
        for value in self.parameters():
            nn.init.zeros_(value)
        _, update, _ = cast(Tensor, self.input.bias).chunk(3, dim=1)
        _, _, new = self.input.weight.chunk(3, dim=1)
        update.fill_(state_bias)
        new.copy_(share * torch.eye(new.shape[-1]))

    def forward(
        self, x: Float[Tensor, "head rows dim"], state: Float[Tensor, "head rows dim"]
    ) -> Float[Tensor, "head rows dim"]:
        """The new state."""
        return self.begin()(x, state)

    def begin(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The cell, to be used several times in one forward pass."""
        from_input, from_hidden = self.input.begin(), self.hidden.begin()

        def use(x: Tensor, state: Tensor) -> Tensor:
            reset_x, update_x, new_x = from_input(x).chunk(3, dim=-1)
            reset_h, update_h, new_h = from_hidden(state).chunk(3, dim=-1)
            reset = torch.sigmoid(reset_x + reset_h)
            update = torch.sigmoid(update_x + update_h)
            new = torch.tanh(new_x + reset * new_h)
            return new + update * (state - new)  # not lerp: under autocast the state stays in full precision

        return use


class MultiQuerySlotAttention(SlotMethod):
    """H independent heads of K slots that compete for the patches of an image.

    Shared by the heads: the inputs' LayerNorm, the key and the value projection (no bias). Own to each head:
    initial mean and log-sigma, LayerNorms, query projection, GRU and residual MLP. The heads never see each
    other here; `slotlight.model.fusion` merges them.

    With ``queries="patches"`` a head's slots begin in patches of the photograph, drawn as the seeds of k-means++ and
    moved by the initial mean, in place of noise. This is Slotlight's own. With ``queries="warm"`` noise is preheated
    first (`slotlight.model.warm_queries`).

    Source: arXiv 2404.19654, section III-C; Slot Attention, arXiv 2006.15055, algorithm 1; the authors'
    ``attention.py``. Unlike the release, initial mean and log-sigma are learned, and ``gru_state="slots"``
    is the published recurrence; ``"normalised"`` gives the release's (its GRU state is LayerNorm(slots)).

    Example:
        >>> attention = MultiQuerySlotAttention(dim=24, heads=3, slots=4)
        >>> features = torch.randn(1, 2, 36, 24)                # two images, seen by every head
        >>> found = attention(features, attention.noise(1, torch.Generator().manual_seed(0)))
        >>> tuple(found.slots.shape), tuple(found.attention.shape)
        ((3, 2, 4, 24), (3, 2, 4, 36))
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int = 8,
        slots: int = 7,
        iterations: int = 3,
        mlp_hidden: int = 512,
        gru_state: GruState = "slots",
        queries: Queries = "noise",
    ) -> None:
        super().__init__()
        self.heads, self.slots, self.iterations = heads, slots, iterations
        self.gru_state, self.queries = gru_state, queries
        self.scale = dim**-0.5
        self.mu = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, dim)))
        self.log_sigma = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, dim)), queries != "patches")
        self.preheat = Preheat(dim) if queries == "warm" else None
        self.norm_inputs = nn.LayerNorm(dim)
        self.to_key = nn.Linear(dim, dim, bias=False)
        self.to_value = nn.Linear(dim, dim, bias=False)
        self.norm_slots = HeadLayerNorm(heads, dim)
        self.to_query = HeadLinear(heads, dim, dim, bias=False)
        self.gru = HeadGRUCell(heads, dim)
        self.norm_mlp = HeadLayerNorm(heads, dim)
        self.mlp = nn.Sequential(
            HeadLinear(heads, dim, mlp_hidden), nn.ReLU(), HeadLinear(heads, mlp_hidden, dim)
        )

    def noise(
        self, images: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "head images slot *dim"]:
        """Standard normal numbers; for slots that begin in patches, one uniform number in [0, 1) a slot."""
        device = self.mu.device if generator is None else generator.device
        size = (self.heads, images, self.slots)
        if self.queries == "patches":
            return torch.rand(size, generator=generator, device=device).to(self.mu)
        return torch.randn((*size, self.mu.shape[-1]), generator=generator, device=device).to(self.mu)

    def forward(
        self,
        features: Float[Tensor, "group images patch dim"],
        noise: Float[Tensor, "head noisy slot *dim"],
    ) -> HeadSlots:
        """See `SlotMethod`."""
        images = features.shape[1]
        inputs = self.norm_inputs(features).flatten(0, 1)  #                      (group·images, patch, dim)
        start = self.mu[:, None, None] + self._around_mean(features, noise)
        slots = start.expand(-1, images, -1, -1).flatten(1, 2)  #                 (head, images·slot, dim)
        if self.preheat is not None:
            warm = self.preheat(self._exchanged(slots, len(features)), inputs.detach(), self.slots)
            slots = self._exchanged(warm, len(features))
        began, slots = slots, slots if self.preheat is None else slots.detach()
        to_query, gru = self.to_query.begin(), self.gru.begin()
        widen, narrow = (cast(HeadLinear, self.mlp[layer]).begin() for layer in (0, 2))
        for _ in range(self.iterations):
            normed = self.norm_slots(slots)
            queries = to_query(normed) @ self.to_key.weight * self.scale
            queries = self._exchanged(queries, len(features))  #               (group·images, heads·slot, dim)
            logits = queries @ inputs.transpose(1, 2)
            attention = logits.unflatten(1, (-1, self.slots)).softmax(dim=2)  #   (…, heads, slot, patch)
            weights = attention.flatten(1, 2) + EPSILON
            updates = (weights @ inputs) / weights.sum(dim=2, keepdim=True)
            updates = self._exchanged(updates, len(features)) @ self.to_value.weight.T
            slots = gru(updates, slots if self.gru_state == "slots" else normed)
            slots = slots + narrow(F.relu(widen(self.norm_mlp(slots))))
        attention = self._exchanged(attention.flatten(1, 2), len(features))  #      (head, images·slot, patch)
        shape = (images, self.slots)
        return HeadSlots(*(part.unflatten(1, shape) for part in (slots, attention, began)))

    def _around_mean(
        self, features: Float[Tensor, "group images patch dim"], noise: Float[Tensor, "head noisy slot *dim"]
    ) -> Float[Tensor, "head noisy_or_images slot dim"]:
        """Initial slots less their mean."""
        if self.queries != "patches":
            return self.log_sigma.exp()[:, None, None] * noise
        patches = F.layer_norm(features.detach().float(), features.shape[-1:])
        seeds = kmeans_plus_plus(patches, noise)
        rows = seeds.unsqueeze(-1).expand(*seeds.shape, patches.shape[-1])
        return WITHIN_TANH * patches.expand(self.heads, -1, -1, -1).gather(2, rows)

    def _exchanged(
        self, rows: Float[Tensor, "outer inner dim"], groups: int
    ) -> Float[Tensor, "newouter newinner dim"]:
        """Rows of each head for its images → rows of each image for its heads, or the reverse.

        A group of images is seen by heads/groups heads.
        """
        # (group, heads, images, slot, dim) or (group, images, heads, slot, dim)
        rows = rows.unflatten(1, (-1, self.slots)).unflatten(0, (groups, -1))
        return rows.transpose(1, 2).flatten(2, 3).flatten(0, 1)
