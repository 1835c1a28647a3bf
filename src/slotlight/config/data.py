"""Photographs to measure on, and where their labels are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MaskKind = Literal["binary", "instances", "classes"]
"""What the values of a mask mean: object or background; or an object's number, or a class's."""


@dataclass(frozen=True)
class DatasetSource:
    """Photographs to measure on, and where their labels are.

    Attributes:
        data: A VOC devkit, a folder of photographs, or "synthetic" for drawn scenes.
        split: dev, test or val of VOC 2012, or another of the devkit's lists.
        annotations: A COCO instances JSON for the photographs in DATA.
        masks: A folder of masks for the photographs in DATA, matched by name.
        mask_kind: What the values of those masks mean.
    """

    data: str
    split: str | None = None
    annotations: Path | None = None
    masks: Path | None = None
    mask_kind: MaskKind = "binary"
