"""LOST: the object is what is like the patch that is like the fewest others.

Expected with DINO ViT-S/16 keys on VOC trainval photographs at their own size, as published (CorLoc of the
one box): 61.9 on VOC 2007, 64.0 on VOC 2012.
"""

from slotlight.backbones import Features
from slotlight.baselines.graph import component, object_and_rest
from slotlight.segmenter import SlotMasks

NUM_CANDIDATES = 100
"""How many of the least-connected patches may join the seed (the paper's k)."""


def lost(features: Features) -> SlotMasks:
    """Find one object an image: slot 0; slot 1 is background.

    Patches are connected where their features' product is positive. The seed has the fewest connections; of
    the 100 patches with the fewest, those connected to it are its expansion. The object is the part, in one
    piece with the seed, of the patches whose products with the expansion add up to something positive.

    Ties go to the upper, then the left patch. Features that all agree in sign (many tokens, unlike keys)
    connect every patch to every other: the object is then the whole image, and its score 0.

    Source:
        Localizing Objects with Self-Supervised Transformers and no Labels (Siméoni et al., BMVC 2021). Its
        boxes have no scores; ours is `separation`.
    """
    products = features.patches @ features.patches.transpose(1, 2)
    by_connections = (products > 0).sum(-1).argsort(dim=1, stable=True)
    seed, candidates = by_connections[:, 0], by_connections[:, :NUM_CANDIDATES]
    with_candidates = products.take_along_dim(candidates[..., None], dim=1)
    joined = with_candidates.take_along_dim(seed[:, None, None], dim=2) > 0
    likeness = (joined * with_candidates).sum(1)
    region = component((likeness > 0).view(-1, *features.grid), seed)
    return object_and_rest(features, region)
