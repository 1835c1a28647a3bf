"""Which patches the slots may see in training.

Background masking hides what is most likely background, so that slots spend themselves on objects: in
DINO's keys, a patch's mean over dimensions is high where the photograph shows background.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from slotlight.config import MaskingConfig
from slotlight.model.assignment import ALONE, Share


def masked_count(patches: int, ratio: float) -> int:
    """How many of ``patches`` a ratio masks: P − ⌊P·(1 − ratio)⌋, safe against rounding of ``1 − ratio``.

    Example:
        >>> masked_count(100, 0.9)  # 100 * (1 - 0.9) is 9.999999999999998
        90
    """
    return patches - math.floor(round(patches * (1 - ratio), 6))


def background_mask(features: Float[Tensor, "batch patch dim"], ratio: float) -> Bool[Tensor, "batch patch"]:
    """The share ``ratio`` of an image's patches whose features have the highest mean; True is masked.

    Source: the paper, section III-B; the authors' ``model2.py`` ranks by ``torch.mean(features, dim=2)``.
    """
    return _highest(features.mean(dim=-1), ratio)


def random_mask(
    features: Float[Tensor, "batch patch dim"], ratio: float, share: Share = ALONE
) -> Bool[Tensor, "batch patch"]:
    """As many patches as `background_mask` masks, drawn at random; True is masked."""
    batch, patches, _ = features.shape
    return _highest(share.of(torch.rand(batch * share.world, patches, device=features.device)), ratio)


def least_foreground_mask(
    foreground: Float[Tensor, "batch rows columns"], ratio: float
) -> Bool[Tensor, "batch patch"]:
    """As many patches, those of the lowest foreground: for features whose mean says nothing; True is masked."""
    return _highest(-foreground.flatten(1), ratio)


def masked_patches(
    features: Float[Tensor, "batch patch dim"],
    foreground: Float[Tensor, "batch rows columns"] | None,
    config: MaskingConfig,
    share: Share = ALONE,
) -> Bool[Tensor, "batch patch"] | None:
    """Which patches a training step hides; None where it hides none.

    Args:
        features: The backbone's own, without anything added: their mean must mean what the paper says.
        foreground: Of `slotlight.model.foreground.foreground_map`; needed where it ranks.
        config: Its ``ranking`` must be resolved (`slotlight.config.with_ranking`).
        share: The part of a larger batch that these features are.
    """
    if config.kind == "none":
        return None
    if config.kind == "random":
        return random_mask(features, config.ratio, share)
    if config.ranking == "mean":
        return background_mask(features, config.ratio)
    if foreground is None:
        raise ValueError(f"The ranking {config.ranking!r} needs the foreground map.")
    return least_foreground_mask(foreground, config.ratio)


def _highest(values: Float[Tensor, "batch patch"], ratio: float) -> Bool[Tensor, "batch patch"]:
    ranked = values.argsort(dim=1, descending=True, stable=True)
    masked = ranked[:, : masked_count(values.shape[1], ratio)]
    return torch.zeros_like(values, dtype=torch.bool).scatter_(1, masked, True)
