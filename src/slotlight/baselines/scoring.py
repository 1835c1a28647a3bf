"""Scores for segments of methods that give none."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

BORDER_WEIGHT = 3.0  # a slot that holds a third of the photograph's border is background


def score_segments(masks: Float[Tensor, "batch slot height width"]) -> Float[Tensor, "batch slot"]:
    """How likely each slot is one object, from label-free cues alone; 0 for background and empty slots.

    The product of two cues, each in [0, 1]: the slot keeps away from the photograph's border (background
    runs along it; a slot that holds a third of it is background), and it is sure of its own patches (mean mask
    value where it wins).

    Args:
        masks: Slot masks, summing to one over slots.
    """
    slots = masks.shape[1]
    winner = F.one_hot(masks.argmax(dim=1), slots).movedim(-1, 1).to(masks)
    area = winner.mean(dim=(2, 3))
    edges = [winner[..., 0, :], winner[..., -1, :], winner[..., 0], winner[..., -1]]
    clear_of_border = (1 - BORDER_WEIGHT * torch.cat(edges, dim=-1).mean(dim=-1)).clamp(min=0)
    sureness = (masks * winner).mean(dim=(2, 3)) / area.clamp(min=1e-9)
    return clear_of_border * sureness * (area > 0)
