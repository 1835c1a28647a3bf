"""Learned alignment: how heads' slots are merged is learned from what the merged slots can be decoded into.

Every slot of the reference head attends to all slots of all heads. Before training it takes the Hungarian match of each
head, all equally; training may move weight to other slots, or away from heads that help little. Nothing else learns.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.model.fusion import FusedSlots, fuse


class LearnedAlignment(nn.Module):
    """Cross-attention from the reference head's slots to all heads' slots, equal to Hungarian averaging at its start.

    The weights are ``hungarian + tanh(gate) · (attention - hungarian)``, and the gate begins at zero. Queries and keys
    begin as identities: attention by the cosine similarity of slots.

    Source: the open question of the paper (learned alignment against Hungarian matching); a gate that begins at zero
    after Flamingo (arXiv 2204.14198).

    Example:
        >>> slots = torch.randn(3, 2, 4, 16)
        >>> one, other = LearnedAlignment(16)(slots), fuse(slots)
        >>> bool(torch.allclose(one.slots, other.slots, atol=1e-6))
        True
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.to_query, self.to_key = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        nn.init.eye_(self.to_query.weight)
        nn.init.eye_(self.to_key.weight)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(
        self, slots: Float[Tensor, "head batch slot dim"], *, reference: int | None = None
    ) -> FusedSlots:
        """Merge the heads' slots into one set.

        Args:
            slots: Every head's slots.
            reference: See `slotlight.model.fusion.fuse`.
        """
        matched = fuse(slots, "hungarian", reference=reference)
        every = slots.transpose(0, 1).flatten(1, 2)  #  (batch, head·slot, dim)
        image = torch.arange(len(every), device=slots.device)
        asking, asked = (
            F.layer_norm(part, part.shape[-1:]) for part in (slots[matched.reference, image], every)
        )
        logits = self.to_query(asking) @ self.to_key(asked).mT
        attention = logits.float().mul(slots.shape[-1] ** -0.5).softmax(dim=-1)
        hungarian = _as_weights(matched.assignment).to(attention)
        weights = hungarian + self.gate.tanh() * (attention - hungarian)
        return FusedSlots(
            weights.to(every) @ every,
            matched.heads,
            matched.assignment,
            matched.agreement,
            matched.reference,
            weights,
        )


def _as_weights(assignment: Int64[Tensor, "head batch slot"]) -> Float[Tensor, "batch slot headslot"]:
    """The mean over heads of the assigned slots, as weights of all slots."""
    heads, _, slots = assignment.shape
    of_each_head = F.one_hot(assignment, slots).permute(1, 2, 0, 3)  #  (batch, slot, head, slot of the head)
    return of_each_head.flatten(2) / heads
