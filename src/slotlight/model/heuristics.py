"""Slot masks → scored objects, in order: group, score, merge the background, refine. None of it is the paper's.

The model and the floor that replaces its slots by k-means both come through here, so that what is left between
the two is what the slots learnt.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.config import HeuristicsConfig
from slotlight.model.evidence import evidence
from slotlight.model.foreground import merge_background, score_by_foreground
from slotlight.model.grouping import group_slots, join
from slotlight.model.refinement import refine_masks
from slotlight.segmenter import SlotMasks


def find_objects(
    masks: Float[Tensor, "batch slot rows columns"],
    features: Float[Tensor, "batch patch dim"],
    foreground: Float[Tensor, "batch rows columns"],
    agreement: Float[Tensor, "batch slot"] | None,
    images: Float[Tensor, "batch 3 height width"],
    config: HeuristicsConfig,
) -> SlotMasks:
    """Join what is one object, score it, make all background one slot more, and refine the boundaries.

    Args:
        masks: Slot masks, summing to one over slots.
        features: What the slots were found in.
        foreground: Of `slotlight.model.foreground.foreground_map`.
        agreement: Mean cosine similarity of each slot over heads; None for one head, which agrees with itself.
        images: RGB in [0, 1].
        config: Which of these steps are taken, and their numbers.
    """
    groups = group_slots(masks.flatten(2), features, config.group_within)
    share = masks.mean(dim=(2, 3))
    heads_agree = torch.ones_like(share) if agreement is None else agreement
    agreed = join(share * heads_agree, groups) / join(share, groups).clamp(min=1e-6)
    scores = score_by_foreground(join(masks, groups), foreground, agreed, config.background_below)
    scores = scores.gather(1, groups) * evidence(images, config).unsqueeze(1)
    found = SlotMasks(masks, scores, groups, raw_masks=masks, agreement=agreement)
    if config.merge_background:
        merged, merged_scores = merge_background(found.masks, found.scores)
        background = torch.full_like(groups[:, :1], masks.shape[1])
        with_background = torch.cat([groups, background], dim=1)
        found = replace(found, masks=merged, scores=merged_scores, groups=with_background)
    if config.refine:
        found = replace(found, masks=refine_masks(found.masks, images, config))
    return found
