"""Plain versions that the fast ones stand beside: one head, one image, one pair at a time."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from slotlight.model.decoder import Decoded
from slotlight.model.decoders import MLPDecoder


def decode(decoder: MLPDecoder, slots: Tensor) -> Decoded:
    """Every layer on every pair of slot and patch."""
    pairs = slots.unsqueeze(2) + decoder.positions.embedding
    hidden = decoder.middle(F.relu(decoder.first(pairs)))
    masks = decoder.mask(hidden).squeeze(-1).softmax(dim=1)
    return Decoded((masks.unsqueeze(-1) * decoder.feature(hidden)).sum(dim=1), masks)


def fuse(slots: Tensor, reference: int = 0) -> Tensor:
    """SciPy for every head of every image."""
    unit = F.normalize(slots, dim=-1)
    total = torch.zeros_like(slots[reference])
    for head in range(len(slots)):
        for image in range(slots.shape[1]):
            similarity = unit[reference, image] @ unit[head, image].T
            _, columns = linear_sum_assignment(similarity.cpu().numpy(), maximize=True)
            total[image] += slots[head, image, torch.from_numpy(columns).to(slots.device)]
    return total / len(slots)
