"""How good are features? k-means of them on the development fifth of VOC 2012 val, under the protocol `paper`.

Every network is read alike: its maps side by side, each with the same variance, 64 half-whitened principal
components of that (`reduction.py`), unit length, k-means. Labels only measure.
"""

from functools import partial
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor, nn

from compare_networks import PATCH, FacetMaps, StageMaps, TokenMaps
from dev_figures import measure
from reduction import REDUCED, fit_reduction
from slotlight.backbones import Backbone
from slotlight.baselines.kmeans import PATCH_PIXELS, kmeans_colour, kmeans_features
from slotlight.baselines.segmenters import FeatureMethod, FeatureSegmenter, PixelMethod, PixelSegmenter
from slotlight.config import Facet

CLUSTERS = (4, 6)  # of k-means
_READ_AT = 224  # pixels: larger than the views, as the embedded backbone is read
_BLOCKS = 3
_FACETS: tuple[Facet, ...] = ("key", "token")

Figures = dict[int, dict[str, float]]
"""For each number of clusters mIoU, mBO and CorLoc in per cent."""


def read_network(network: nn.Module, sample: UInt8[Tensor, "photo side side 3"]) -> Backbone:
    """A network of maps as the project's backbone, its features reduced by what a sample of photographs tells."""
    reduction = fit_reduction(network.eval(), sample, REDUCED)
    return Backbone("features", network, facet="token", reduction=reduction)


def facets(network: nn.Module) -> dict[str, nn.Module]:
    """What could be read of a network instead: keys or tokens of a ViT's last blocks, each stage of a ConvNet."""
    if isinstance(network, TokenMaps):
        depth = len(network.encoder.vit.blocks)
        return {
            f"block {layer + 1} of {depth}, {facet}": FacetMaps(network, facet, layer)
            for layer in range(depth - _BLOCKS, depth)
            for facet in _FACETS
        }
    stages = range(len(network.feature_info.channels()))  # type: ignore[union-attr, operator]
    return {f"stage {stage + 2}": StageMaps(network, stage) for stage in stages}


def measure_features(backbone: Backbone, voc: Path, out: Path) -> Figures:
    """k-means of a backbone's features."""
    side = _READ_AT // PATCH
    runs = {k: partial(kmeans_features, num_clusters=k) for k in CLUSTERS}
    methods = [FeatureMethod(f"{k}-means", run, is_seeded=True, side_patches=side) for k, run in runs.items()]
    found = measure([FeatureSegmenter(m.summary, m, backbone) for m in methods], voc, out)
    return dict(zip(CLUSTERS, found, strict=True))


def measure_colour(voc: Path, out: Path) -> Figures:
    """k-means of colour and place: the floor."""
    runs = {k: partial(kmeans_colour, num_clusters=k) for k in CLUSTERS}
    methods = [
        PixelMethod(f"{k}-means", run, is_seeded=True, patch_size=PATCH_PIXELS) for k, run in runs.items()
    ]
    found = measure([PixelSegmenter(m.summary, m) for m in methods], voc, out)
    return dict(zip(CLUSTERS, found, strict=True))
