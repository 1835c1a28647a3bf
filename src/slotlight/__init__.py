"""Slotlight finds the objects in photographs without a single label.

>>> import slotlight
>>> discoverer = slotlight.load()                        # the model in the package
>>> found = discoverer.discover("photo.jpg")             # doctest: +SKIP
>>> found.boxes_xyxy, found.scores, found.overlay()      # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slotlight.version import __version__

if TYPE_CHECKING:
    from slotlight.config import ObjectRule
    from slotlight.detector.distil import distil
    from slotlight.discovery.discoverer import Discoverer
    from slotlight.discovery.discovery import Discovery
    from slotlight.errors import SlotlightError
    from slotlight.evaluation.calibration import calibrate
    from slotlight.evaluation.run import evaluate
    from slotlight.loading import load
    from slotlight.studies.run import study
    from slotlight.training.train import train

__all__ = [
    "Discoverer",
    "Discovery",
    "ObjectRule",
    "SlotlightError",
    "__version__",
    "calibrate",
    "distil",
    "evaluate",
    "load",
    "study",
    "train",
]

_HOMES = {
    "Discoverer": "discovery.discoverer",
    "Discovery": "discovery.discovery",
    "ObjectRule": "config",
    "SlotlightError": "errors",
    "calibrate": "evaluation.calibration",
    "distil": "detector.distil",
    "evaluate": "evaluation.run",
    "load": "loading",
    "study": "studies.run",
    "train": "training.train",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: torch takes seconds, ``slotlight --help`` must not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'slotlight' has no attribute {name!r}")
    return getattr(import_module(f"slotlight.{_HOMES[name]}"), name)
