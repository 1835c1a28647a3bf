"""What stands beneath models in every table: floors that look at no features, those on each model's own, controls."""

from collections.abc import Sequence

from slotlight.baselines import BASELINES, FLOORS, build_baseline
from slotlight.baselines.single_query import SINGLE_QUERY, is_trained_on
from slotlight.config import Precision
from slotlight.discovery.discoverer import Discoverer


def floors_beneath(discoverers: Sequence[Discoverer], precision: Precision = "fp32") -> list[Discoverer]:
    """Those that look at no features, and those on each model's own; but none that is evaluated anyway.

    Example:
        >>> from slotlight.loading import load
        >>> [floor.name for floor in floors_beneath([load("tiles")])]
        ['whole-image', 'centre-box', 'kmeans-colour']
    """
    plain = [build_baseline(name) for name in FLOORS if not BASELINES[name].needs_backbone]
    read = [discoverer.segmenter.backbone for discoverer in discoverers]
    backbones = {backbone.name: backbone for backbone in read if backbone is not None}
    on_features = [
        build_baseline(name, backbone, precision=precision)
        for backbone in backbones.values()
        for name in FLOORS
        if BASELINES[name].needs_backbone and (name != SINGLE_QUERY or is_trained_on(backbone))
    ]
    controls = [control for d in discoverers for control in d.segmenter.controls()]
    beneath = {segmenter.name: segmenter for segmenter in (*plain, *on_features, *controls)}
    present = {d.name for d in discoverers}
    return [Discoverer(segmenter) for name, segmenter in beneath.items() if name not in present]
