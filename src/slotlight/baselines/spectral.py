"""The normalised cut of a photograph's patches into seven: training-free, and what `partition` slots learn from.

Source:
    On Spectral Clustering (Ng, Jordan and Weiss, 2001).
"""

from slotlight.backbones import Features
from slotlight.baselines.kmeans import NUM_CLUSTERS, segments
from slotlight.model.partition import TEMPERATURE, spectral_partition
from slotlight.segmenter import SlotMasks


def spectral_features(features: Features) -> SlotMasks:
    """Cut the graph of a photograph's patches; see `slotlight.model.partition.spectral_partition`."""
    labels = spectral_partition(features.patches, features.grid, NUM_CLUSTERS, TEMPERATURE)
    return segments(labels.unflatten(1, features.grid), NUM_CLUSTERS)
