"""A name → a frozen network → patch features.

`backbone` is the network cut off after the features that are read; `loading` finds it by name; `weights` reads files
and the hub; `truncation` cuts.
"""

from slotlight.backbones.backbone import FACETS, Backbone, Features
from slotlight.backbones.loading import load_backbone, load_chosen, weights_on_machine

__all__ = ["FACETS", "Backbone", "Features", "load_backbone", "load_chosen", "weights_on_machine"]
