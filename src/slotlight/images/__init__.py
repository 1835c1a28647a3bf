"""Photographs → RGB arrays: found, opened within bounds, upright, sized; every fault is an `ImageError`.

`sources` interprets what a user names (`finding` walks folders, `archives` and `tables` look into files, `remote` asks
stores); `places` are where photographs lie, and `fetching` gets their bytes. `files` opens, `metadata` and
`orientation` interpret, `reading` makes RGB arrays, `resizing` batches; it alone needs torch, and is imported when it
is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slotlight.images.files import Encoded, max_pixels, read_size, set_max_pixels
from slotlight.images.finding import EXTENSIONS, find_photographs, survey_photographs
from slotlight.images.places import Located
from slotlight.images.reading import Photograph, RGBImage, TensorLike, fit_size, read_photograph
from slotlight.images.sources import survey_sources

if TYPE_CHECKING:
    from slotlight.images.resizing import resize, to_batch

__all__ = [
    "EXTENSIONS",
    "Encoded",
    "Located",
    "Photograph",
    "RGBImage",
    "TensorLike",
    "find_photographs",
    "fit_size",
    "max_pixels",
    "read_photograph",
    "read_size",
    "resize",
    "set_max_pixels",
    "survey_photographs",
    "survey_sources",
    "to_batch",
]


def __getattr__(name: str) -> Any:
    if name not in ("resize", "to_batch"):
        raise AttributeError(f"module 'slotlight.images' has no attribute {name!r}")
    return getattr(import_module("slotlight.images.resizing"), name)
