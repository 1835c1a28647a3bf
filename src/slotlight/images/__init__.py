"""Photographs → RGB arrays: found, opened within bounds, upright, sized; every fault is an `ImageError`.

`sources` interprets what a user names (`finding` walks folders, `archives` and `tables` look into files, `remote` asks
stores); `places` are where photographs lie, and `fetching` gets their bytes. `files` opens, `metadata` and
`orientation` interpret, `reading` makes RGB arrays and batches.
"""

from slotlight.images.files import Encoded, max_pixels, read_size, set_max_pixels
from slotlight.images.finding import EXTENSIONS, find_photographs, survey_photographs
from slotlight.images.places import Located
from slotlight.images.reading import Photograph, RGBImage, fit_size, read_photograph, resize, to_batch
from slotlight.images.sources import survey_sources

__all__ = [
    "EXTENSIONS",
    "Encoded",
    "Located",
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
    "survey_sources",
    "to_batch",
]
