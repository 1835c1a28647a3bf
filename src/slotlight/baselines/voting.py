"""Partitions that vote, with the foreground map and boundaries of the embedded model, on any backbone."""

from slotlight.backbones import Backbone
from slotlight.config import EMBEDDED, Precision, preset
from slotlight.model.voting import VotingSegmenter

SIDE_PATCHES = 32


def load_voting(backbone: Backbone, precision: Precision = "fp32") -> VotingSegmenter:
    """Voting on a backbone's features; see `slotlight.model.proposals`."""
    heuristics = preset(EMBEDDED)[0].heuristics
    size = SIDE_PATCHES * backbone.patch_size
    name = f"voting@{backbone.name}"
    return VotingSegmenter(name, backbone, image_size=size, heuristics=heuristics, precision=precision)
