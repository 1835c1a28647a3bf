"""Slots that split one object are one object: which slots belong together, without labels.

More slots than objects find small things, and cut large ones into pieces. The pieces lie close in feature space, so
Ward's criterion (Ward, 1963) joins them: always the pair whose union raises the squared error of the photograph's
patches around their means the least, as long as this is less than a share of the photograph's variance.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F


def group_slots(
    masks: Float[Tensor, "batch slot patch"], features: Float[Tensor, "batch patch dim"], threshold: float
) -> Int64[Tensor, "batch slot"]:
    """The group of every slot: the lowest index of the slots that are one with it.

    Slots that win no patch stay alone. All images are joined side by side, in as many rounds as a merge of all needs.

    Args:
        masks: Slot masks; a patch belongs to the slot that wins it.
        features: What the slots were found in.
        threshold: Slots are joined while that costs less than this share of the patches' variance; 0 joins none.

    Example:
        >>> masks = torch.eye(3).repeat_interleave(2, dim=1)[None]  # three slots of two patches each
        >>> features = torch.tensor([[[0.0], [0.1], [0.2], [0.1], [5.0], [5.1]]])
        >>> group_slots(masks, features, 0.05)
        tensor([[0, 0, 2]])
    """
    slots = masks.shape[1]
    group = torch.arange(slots, device=masks.device).repeat(len(masks), 1)
    if threshold == 0:
        return group
    won = F.one_hot(masks.argmax(dim=1), slots).to(features)
    sizes = won.sum(dim=1)
    sums = won.transpose(1, 2) @ features
    spread = features.var(dim=1, correction=0).sum(dim=-1) * features.shape[1]
    for _ in range(slots - 1):
        cost = _cost_of_joining(sums, sizes)
        cheapest, pair = cost.flatten(1).min(dim=1)
        stays, goes = pair // slots, pair % slots
        joins = cheapest < threshold * spread
        step = (F.one_hot(stays, slots) - F.one_hot(goes, slots)).to(features)
        moved = joins.to(features).unsqueeze(1)
        sums = sums + step.unsqueeze(-1) * (moved * _row(sums, goes)).unsqueeze(1)
        sizes = sizes + step * (moved * sizes.gather(1, goes.unsqueeze(1)))
        group = torch.where(joins.unsqueeze(1) & (group == goes.unsqueeze(1)), stays.unsqueeze(1), group)
    return group


def join(
    values: Float[Tensor, "batch slot *rest"], group: Int64[Tensor, "batch slot"]
) -> Float[Tensor, "batch slot *rest"]:
    """What a group's slots have together, at the group's index; 0 at the indices of the others."""
    index = group.reshape(*group.shape, *[1] * (values.ndim - 2)).expand_as(values)
    return torch.zeros_like(values).scatter_add_(1, index, values)


def _cost_of_joining(
    sums: Float[Tensor, "batch slot dim"], sizes: Float[Tensor, "batch slot"]
) -> Float[Tensor, "batch slot slot"]:
    """What each pair (first < second) adds to the squared error; infinite where there is no pair to join."""
    means = sums / sizes.clamp(min=1).unsqueeze(-1)
    weight = sizes.unsqueeze(2) * sizes.unsqueeze(1) / (sizes.unsqueeze(2) + sizes.unsqueeze(1)).clamp(min=1)
    pairs = torch.ones_like(weight[0], dtype=torch.bool).triu(1) & (weight > 0)
    apart = (means.unsqueeze(2) - means.unsqueeze(1)).square().sum(dim=-1)
    return (weight * apart).masked_fill(~pairs, torch.inf)


def _row(
    values: Float[Tensor, "batch slot dim"], index: Int64[Tensor, " batch"]
) -> Float[Tensor, "batch dim"]:
    return values.take_along_dim(index[:, None, None], dim=1).squeeze(1)
