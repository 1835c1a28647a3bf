"""Photographs → RGB arrays: found, opened within bounds, upright, sized; every fault is an `ImageError`.

`finding` walks folders, `files` opens, `metadata` and `orientation` interpret, `reading` makes RGB arrays and batches.
"""

from slotlight.images.files import max_pixels, read_size, set_max_pixels
from slotlight.images.finding import EXTENSIONS, find_photographs, survey_photographs
from slotlight.images.reading import Photograph, RGBImage, fit_size, read_photograph, resize, to_batch

__all__ = [
    "EXTENSIONS",
    "Photograph",
    "RGBImage",
    "find_photographs",
    "fit_size",
    "max_pixels",
    "read_photograph",
    "read_size",
    "resize",
    "set_max_pixels",
    "survey_photographs",
    "to_batch",
]
