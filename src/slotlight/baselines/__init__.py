"""Floors and training-free methods by name: what any model has to be compared with.

Example:
    >>> import torch
    >>> build_baseline("centre-box").segment(torch.rand(2, 3, 64, 64)).scores.tolist()
    [[1.0, 0.0], [1.0, 0.0]]
"""

from slotlight.backbones import Backbone
from slotlight.baselines.floors import centre_box, tiles, whole_image
from slotlight.baselines.kmeans import PATCH_PIXELS, kmeans_colour, kmeans_features
from slotlight.baselines.lost import lost
from slotlight.baselines.maskcut import maskcut
from slotlight.baselines.segmenters import (
    FeatureMethod,
    FeatureSegmenter,
    PixelMethod,
    PixelSegmenter,
    TrainedMethod,
)
from slotlight.baselines.single_query import load_single_query
from slotlight.baselines.spectral import spectral_features
from slotlight.baselines.tokencut import tokencut
from slotlight.baselines.voting import load_voting
from slotlight.config import Precision
from slotlight.errors import UnknownNameError, WeightsError
from slotlight.segmenter import Segmenter

__all__ = ["BASELINES", "FLOORS", "build_baseline"]

# With patches of 16 pixels: 432² is VOC's 500×375 photographs at their own size, as LOST and TokenCut take
# them, and 480² what MaskCut takes (with patches of 8, at sixteen times the work).
VOC_SIDE, MASKCUT_SIDE = 27, 30

BASELINES: dict[str, PixelMethod | FeatureMethod | TrainedMethod] = {
    "whole-image": PixelMethod("everything is one object", lambda images, _: whole_image(images)),
    "centre-box": PixelMethod("the middle three quarters", lambda images, _: centre_box(images)),
    "tiles": PixelMethod("seven tiles of equal area", lambda images, _: tiles(images)),
    "kmeans-colour": PixelMethod("k-means of colour and place", kmeans_colour, PATCH_PIXELS, is_seeded=True),
    "kmeans-features": FeatureMethod("k-means of features", kmeans_features, is_seeded=True),
    "spectral-features": FeatureMethod(
        "normalised cut of features into seven", lambda features, _: spectral_features(features)
    ),
    "voting": TrainedMethod("normalised cuts, coarse and fine, that vote for regions", load_voting),
    "single-query": TrainedMethod("plain slot attention: one head, no mask", load_single_query),
    "lost": FeatureMethod("LOST (Siméoni et al., 2021)", lambda features, _: lost(features), VOC_SIDE),
    "tokencut": FeatureMethod(
        "TokenCut (Wang et al., 2022)", lambda features, _: tokencut(features), VOC_SIDE
    ),
    "maskcut": FeatureMethod(
        "MaskCut (CutLER, Wang et al., 2023)",
        lambda features, _: maskcut(features),
        MASKCUT_SIDE,
    ),
}
FLOORS = (
    "whole-image",
    "centre-box",
    "tiles",
    "kmeans-colour",
    "kmeans-features",
    "spectral-features",
    "single-query",
)
"""Those that every table carries; `single-query` where it was trained on a model's backbone."""


def build_baseline(
    name: str, backbone: Backbone | None = None, *, precision: Precision = "fp32"
) -> Segmenter:
    """Build a floor or baseline by name.

    Args:
        name: One of `BASELINES`.
        backbone: Whose features to use, for those that need any (``BASELINES[name].needs_backbone``).
        precision: Arithmetic of the backbone.

    Raises:
        UnknownNameError: No baseline of that name.
        WeightsError: It needs a backbone and has none, or was not trained on this one.
    """
    if name not in BASELINES:
        raise UnknownNameError("baseline", name, BASELINES)
    method = BASELINES[name]
    if isinstance(method, PixelMethod):
        return PixelSegmenter(name, method)
    if backbone is None:
        raise WeightsError(
            f"The baseline {name!r} needs features; give it a backbone, as in '{name}@dino-vits16'."
        )
    if isinstance(method, TrainedMethod):
        return method.build(backbone, precision)
    return FeatureSegmenter(name, method, backbone, precision=precision)
