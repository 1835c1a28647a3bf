"""Photographs made worse, in kinds and severities after ImageNet-C; objects stay where they are.

Unusual: torchvision's transforms and a little numpy, because the libraries of corruptions need an OpenCV of their own
or are no longer kept. What is random is a function of the photograph's name, the kind and a seed alone: a higher
severity is the same noise, stronger.

Source:
    Hendrycks and Dietterich, 2019 (arXiv 1903.12261): kinds × five severities. The strengths here are our own, so no
    figure compares with theirs.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from slotlight.datasets.sample import Dataset, LabelKind, Sample
from slotlight.errors import ConfigError, UnknownNameError
from slotlight.files import digest
from slotlight.images import RGBImage, resize
from slotlight.studies.declaration import Shift

Picture = UInt8[Tensor, "3 height width"]


def _noise(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    deviation = (8, 16, 26, 40, 60)[severity - 1]
    return _rounded(picture + deviation * torch.from_numpy(rng.standard_normal(picture.shape, np.float32)))


def _blur(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del rng
    sigma = (0.004, 0.008, 0.014, 0.022, 0.032)[severity - 1] * min(picture.shape[1:])
    reach = min(2 * round(3 * sigma) + 1, 2 * ((min(picture.shape[1:]) - 1) // 2) + 1)
    found: Picture = transforms.gaussian_blur(picture, [reach, reach], [sigma, sigma])
    return found


def _jpeg(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del rng
    buffer = io.BytesIO()
    Image.fromarray(_to_array(picture)).save(buffer, "JPEG", quality=(25, 18, 12, 8, 5)[severity - 1])
    return _to_tensor(np.asarray(Image.open(buffer)))


def _contrast(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del rng
    found: Picture = transforms.adjust_contrast(picture, (0.6, 0.45, 0.3, 0.2, 0.12)[severity - 1])
    return found


def _dark(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del rng
    found: Picture = transforms.adjust_brightness(picture, (0.6, 0.45, 0.3, 0.2, 0.12)[severity - 1])
    return found


def _fog(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Light grey that is thicker here than there."""
    coarse = rng.uniform(0.4, 1, (4, 4)).astype(np.float32)
    size = (picture.shape[2], picture.shape[1])
    thick = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)
    share = torch.from_numpy(thick) * (0.35, 0.5, 0.65, 0.78, 0.88)[severity - 1]
    return _rounded(picture * (1 - share) + 225 * share)


def _pixels(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del rng
    height, width = picture.shape[1:]
    share = (0.5, 0.35, 0.25, 0.17, 0.11)[severity - 1]
    small = resize(_to_array(picture), (max(1, round(share * height)), max(1, round(share * width))))
    large = Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST)
    return _to_tensor(np.asarray(large))


def _grey(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    del severity, rng
    found: Picture = transforms.rgb_to_grayscale(picture, num_output_channels=3)
    return found


def _posterised(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Flat areas of few colours, as in a print."""
    del severity
    found: Picture = transforms.posterize(_blur(picture, 2, rng), 2)
    return found


def _edges(picture: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Dark lines on white where the brightness changes, as in a drawing."""
    grey = _grey(picture, severity, rng)[0].float()
    down, across = torch.gradient(grey)
    lines = 255 - (6 * torch.hypot(down, across)).clamp(max=255)
    return _rounded(lines.expand(3, -1, -1))


CORRUPTIONS: dict[str, Callable[[Picture, int, np.random.Generator], Picture]] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "contrast": _contrast,
    "dark": _dark,
    "fog": _fog,
    "pixels": _pixels,
    "grey": _grey,
    "posterised": _posterised,
    "edges": _edges,
}
"""What can be done to a photograph; the last three have one severity."""


def corrupt(image: RGBImage, shift: Shift, *, name: str, seed: int = 0) -> RGBImage:
    """A photograph after a corruption: the same for the same name, shift and seed, on every machine.

    Args:
        image: RGB.
        shift: What is done to it.
        name: The photograph's, which decides what is random.
        seed: Decides it too.

    Raises:
        UnknownNameError: There is no such kind.
        ConfigError: The severity is none of 1 to 5.

    Example:
        >>> grey = corrupt(np.full((8, 8, 3), (255, 0, 0), np.uint8), Shift("grey", 1), name="red")
        >>> grey[0, 0].tolist()
        [76, 76, 76]
    """
    if shift.kind not in CORRUPTIONS:
        raise UnknownNameError("corruption", shift.kind, CORRUPTIONS)
    if not 1 <= shift.severity <= 5:
        raise ConfigError(f"severity is {shift.severity}; it must be from 1 to 5.")
    rng = np.random.default_rng(int(digest(name, shift.kind, seed), 16))
    return _to_array(CORRUPTIONS[shift.kind](_to_tensor(image), shift.severity, rng))


@dataclass(frozen=True)
class CorruptedDataset:
    """A dataset whose photographs are corrupted and whose labels are not.

    Attributes:
        clean: The dataset.
        shift: What is done to its photographs.
        seed: Of what is random in it.
    """

    clean: Dataset
    shift: Shift
    seed: int = 0

    @property
    def name(self) -> str:
        """The dataset's, and what was done to it."""
        return f"{self.clean.name}, {self.shift.kind} {self.shift.severity}"

    @property
    def split(self) -> str:
        """The dataset's."""
        return self.clean.split

    @property
    def label_kinds(self) -> frozenset[LabelKind]:
        """The dataset's."""
        return self.clean.label_kinds

    def __len__(self) -> int:
        """How many photographs."""
        return len(self.clean)

    def __getitem__(self, index: int) -> Sample:
        """One of them; nothing is read yet."""
        sample = self.clean[index]
        return Sample(
            sample.id,
            lambda: corrupt(sample.read_image(), self.shift, name=sample.id, seed=self.seed),
            sample.read_labels,
            lambda: digest(sample.identity(), self.shift.kind, self.shift.severity, self.seed),
        )


def _to_tensor(image: RGBImage) -> Picture:
    return torch.from_numpy(image.copy()).movedim(-1, 0)


def _to_array(picture: Picture) -> RGBImage:
    return np.ascontiguousarray(picture.movedim(0, -1).numpy())


def _rounded(picture: Tensor) -> Picture:
    return picture.round().clamp(0, 255).to(torch.uint8)
