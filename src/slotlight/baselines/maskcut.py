"""MaskCut: TokenCut again and again, each time without what was found, for several objects an image.

Of the published pipeline (CutLER) this is the first step only: it is its masks, refined by a conditional
random field and cleaned by a trained detector, that the published scores are of. The masks here are neither;
expect less.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from slotlight.backbones import Features
from slotlight.baselines.graph import component, normalised_cut, separation, strongest
from slotlight.segmenter import SlotMasks

THRESHOLD = 0.15
"""Cosine similarity above which patches are alike (the paper's τ)."""

NUM_OBJECTS = 3
"""Cuts an image (the paper's N)."""


def maskcut(features: Features) -> SlotMasks:
    """Find up to three objects an image, in the order they were cut; the last slot is background.

    Each cut is made on the features with earlier objects' set to zero. Its side is TokenCut's, unless that
    holds three or more of the image's corners: then it is the other. A mask of which at least half was found
    before is dropped: its slot is empty and scores 0.

    Source:
        Cut and Learn for Unsupervised Object Detection and Instance Segmentation (Wang et al., CVPR 2023),
        without its conditional random field. Its masks have no scores; ours is `separation`.
    """
    free = features.patches.new_ones(features.patches.shape[:2], dtype=torch.bool)
    found: list[Bool[Tensor, "batch patch"]] = []
    for _ in range(NUM_OBJECTS):
        mask = _cut(features.patches * free[..., None], features.grid)
        new = mask & free
        is_new = 2 * new.sum(1) > mask.sum(1)
        found.append(new & is_new[:, None])
        free = free & ~found[-1]
    scores = [separation(features.patches, mask) for mask in found]
    masks = torch.stack([*found, free], dim=1).to(features.patches)
    return SlotMasks(
        masks=masks.unflatten(2, features.grid),
        scores=torch.stack([*scores, torch.zeros_like(scores[0])], dim=1),
    )


def _cut(patches: Float[Tensor, "batch patch dim"], grid: tuple[int, int]) -> Bool[Tensor, "batch patch"]:
    eigenvector = normalised_cut(patches, THRESHOLD)
    upper = eigenvector > eigenvector.mean(1, keepdim=True)
    take_upper = upper.take_along_dim(strongest(eigenvector.abs())[:, None], dim=1)
    cornered = _corners(upper == take_upper, grid) >= 3
    take_upper = take_upper ^ cornered[:, None]
    seed = strongest(torch.where(take_upper, eigenvector, -eigenvector))
    side = upper == take_upper
    return component(side.unflatten(1, grid), seed).flatten(1)


def _corners(side: Bool[Tensor, "batch patch"], grid: tuple[int, int]) -> Int[Tensor, " batch"]:
    """How many of the grid's four corners lie on a side."""
    on_grid = side.unflatten(1, grid)
    corners: Tensor = on_grid[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    return corners.sum(1)
