"""Baselines as `slotlight.segmenter.Segmenter`: a method, and what it is given to look at."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone, Features
from slotlight.config import Calibration, Precision
from slotlight.files import digest
from slotlight.segmenter import BackboneSegmenter, Segmenter, SlotMasks, WithoutControls
from slotlight.version import __version__


@dataclass(frozen=True)
class PixelMethod:
    """A method that looks at pixels, or at nothing.

    Attributes:
        summary: What it does, in a few words.
        run: From RGB images in [0, 1] and a seed to slot masks.
        patch_size: Sides of an image must be multiples of it.
        image_size: Images should have about its square of pixels.
        is_seeded: Whether it draws anything.
    """

    needs_backbone: ClassVar[bool] = False
    summary: str
    run: Callable[[Float[Tensor, "batch 3 height width"], int], SlotMasks]
    patch_size: int = 1
    image_size: int = 320
    is_seeded: bool = False


@dataclass(frozen=True)
class FeatureMethod:
    """A method that looks at a backbone's features.

    Attributes:
        summary: What it does, in a few words.
        run: From features and a seed to slot masks.
        side_patches: Images should have about its square of patches: what these methods do grows with the
            square of that.
        is_seeded: Whether it draws anything.
    """

    needs_backbone: ClassVar[bool] = True
    summary: str
    run: Callable[[Features, int], SlotMasks]
    side_patches: int = 20
    is_seeded: bool = False


@dataclass(frozen=True)
class TrainedMethod:
    """A method that was trained on a backbone's features.

    Attributes:
        summary: What it is, in a few words.
        build: From the backbone and the arithmetic to the segmenter.
    """

    needs_backbone: ClassVar[bool] = True
    summary: str
    build: Callable[[Backbone, Precision], Segmenter]


class PixelSegmenter(WithoutControls):
    """A `PixelMethod` as a segmenter."""

    backbone = None
    calibration = Calibration()

    def __init__(self, name: str, method: PixelMethod) -> None:
        self.name, self.method, self.is_seeded = name, method, method.is_seeded
        self.image_size, self.patch_size = method.image_size, method.patch_size

    @property
    def device(self) -> torch.device:
        """The processor: there is little to compute."""
        return torch.device("cpu")

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        return digest(self.name, self.image_size, self.patch_size, __version__)

    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """See `slotlight.segmenter.Segmenter`."""
        return self.method.run(images, seed)


class FeatureSegmenter(WithoutControls, BackboneSegmenter):
    """A `FeatureMethod` on one backbone as a segmenter; tables call it ``method@backbone``."""

    def __init__(
        self, name: str, method: FeatureMethod, backbone: Backbone, *, precision: Precision = "fp32"
    ) -> None:
        size = method.side_patches * backbone.patch_size
        super().__init__(f"{name}@{backbone.name}", backbone, image_size=size, precision=precision)
        self.method, self.is_seeded = method, method.is_seeded

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        settings = (self.image_size, self.precision, __version__)
        return digest(self.name, self.backbone.fingerprint(), *settings)

    @torch.inference_mode()
    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """See `slotlight.segmenter.Segmenter`."""
        features = self.backbone.at_precision(images, self.precision)
        return self.method.run(replace(features, patches=features.patches.float()), seed)
