"""Start multi-query slots as soft k-means of the features, and learn from there.

Slot attention with identity projections is soft k-means. Slots that start at random must first find that out, and on a
small budget they end below k-means of the same features; slots that start as k-means can only be moved by what
lowers the reconstruction's error. This is Slotlight's own; `docs/measured.md` says what it brings.
"""

import torch
from torch import nn

from slotlight.errors import TrainingError
from slotlight.model.slot_attention import WITHIN_TANH, MultiQuerySlotAttention

# The GRU keeps sigmoid(-4), a fiftieth, of its state: slots are the means of their patches.
_STATE_BIAS = -4.0


@torch.no_grad()
def start_as_kmeans(
    widen: nn.Linear, narrow: nn.Linear, attention: MultiQuerySlotAttention, sharpness: float
) -> None:
    """Set weights so that the slots are soft k-means of normalised features, in place.

    The projection (``widen``, then LeakyReLU, then ``narrow``) becomes the identity: x = relu(x) − relu(−x)
    needs twice the features' width in its hidden layer. Keys, values and queries become identities, the GRU
    takes its input over, the residual MLP adds nothing, and the initial slots are drawn around zero. Heads differ
    by what they draw alone, until they learn. The softmax over slots has logits of ``sharpness`` times cos · √dim, for
    normalised features.

    Raises:
        TrainingError: The projection's hidden layer is narrower than twice the features.
    """
    hidden, dim = widen.weight.shape
    if hidden < 2 * dim:
        raise TrainingError(
            f"Slots that start as a clustering of {dim}-dimensional features need projection_hidden >= {2 * dim}, "
            f"not {hidden}."
        )
    identity = torch.eye(dim)
    nn.init.zeros_(widen.bias)
    nn.init.zeros_(narrow.bias)
    widen.weight[:dim], widen.weight[dim : 2 * dim] = identity, -identity
    narrow.weight[:, :dim], narrow.weight[:, dim : 2 * dim] = identity, -identity
    attention.to_key.weight.copy_(identity)
    attention.to_value.weight.copy_(identity)
    attention.to_query.weight.copy_(sharpness * identity)
    attention.gru.take_input(WITHIN_TANH, _STATE_BIAS)
    for value in attention.mlp[-1].parameters():
        nn.init.zeros_(value)
    nn.init.zeros_(attention.mu)
    nn.init.zeros_(attention.log_sigma)
