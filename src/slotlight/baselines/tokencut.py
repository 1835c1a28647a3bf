"""TokenCut: the object is one side of the best normalised cut of the graph of patches.

Expected with DINO ViT-S/16 keys on VOC trainval photographs at their own size, as published (CorLoc of the
one box): 68.8 on VOC 2007, 72.1 on VOC 2012.
"""

from slotlight.backbones import Features
from slotlight.baselines.graph import component, normalised_cut, object_and_rest, strongest
from slotlight.segmenter import SlotMasks

THRESHOLD = 0.2
"""Cosine similarity above which patches are alike (the paper's τ)."""


def tokencut(features: Features) -> SlotMasks:
    """Find one object an image: slot 0; slot 1 is background.

    The graph's second eigenvector is split at its mean. The object's side is that of the entry largest in
    absolute value, and the object what hangs together with it.

    Source:
        Self-Supervised Transformers for Unsupervised Object Discovery using Normalized Cut (Wang et al., CVPR
        2022). Its boxes have no scores; ours is `separation`.
    """
    eigenvector = normalised_cut(features.patches, THRESHOLD)
    side = eigenvector > eigenvector.mean(1, keepdim=True)
    seed = strongest(eigenvector.abs())
    side = side == side.take_along_dim(seed[:, None], dim=1)  # the seed's side, be it the upper or the lower
    return object_and_rest(features, component(side.view(-1, *features.grid), seed))
