"""Photographs → pairs of random views, with points that are known to show the same place in both.

Everything random in step `n` comes from one generator made of seed and n: a run that was killed goes on as if
nothing had happened, however many workers make the views. All of it is tensor arithmetic on whole batches, on the
device where the photographs lie.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from rich.progress import track
from torch import Generator, Tensor
from torch.utils.data import Dataset

from slotlight.files import whole_file
from slotlight.images import RGBImage, read_photograph, resize

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SMALLEST_OVERLAP = 0.1  # of the photograph's side
_SMOOTHED = 5  # pixels of the photograph that make the colour of a point
_VIEWS, _ORDER = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class ViewSpec:
    """How views are drawn.

    Attributes:
        side: Side of a view in pixels.
        points: Points of a photograph that are looked up in both of its views.
        smallest_crop: Least share of the photograph's area in a view.
        jitter: Strength of the colour changes: brightness, contrast and saturation ±0.4, channel gains ±0.15 at 1.
        grey: Share of views without colour.
        blur: Share of views that are blurred.
    """

    side: int = 96
    points: int = 16
    smallest_crop: float = 0.25
    jitter: float = 1.0
    grey: float = 0.2
    blur: float = 0.3


PLAIN = ViewSpec(jitter=0, grey=0, blur=0)
"""For what is painted, which should look as it does."""


@dataclass(frozen=True)
class ViewPair:
    """Two views of every photograph of a batch.

    Attributes:
        views: RGB, normalised by `MEAN` and `STD`.
        points: Where the same points lie in each view: x, y in [-1, 1].
        places: Where they lie in the photograph: x, y in [-1, 1].
        looks: What they look like in the photograph itself: their colours, RGB in [0, 1], smoothed over a few
            pixels; or what else the views were given.
    """

    views: Float[Tensor, "two batch 3 side side"]
    points: Float[Tensor, "two batch point 2"]
    places: Float[Tensor, "batch point 2"]
    looks: Float[Tensor, "batch point _"]


class RandomViews(Dataset[ViewPair]):
    """The views of every training step; an index is a step.

    Args:
        photos: All photographs, squashed to squares.
        batch: Photographs in a step; in every epoch each photograph is seen at most once.
        seed: With the step, decides everything.
        spec: How views are drawn.
        looks: A map of each photograph that says what its places look like; without it, that is their colour.
    """

    def __init__(
        self,
        photos: UInt8[Tensor, "photo height width 3"],
        batch: int,
        seed: int,
        spec: ViewSpec,
        looks: Float[Tensor, "photo dim rows columns"] | None = None,
    ) -> None:
        self.photos, self.batch, self.seed, self.spec = photos, min(batch, len(photos)), seed, spec
        self.looks = looks

    def __getitem__(self, step: int) -> ViewPair:
        """The pair of views of one step."""
        chosen = self._chosen(step).to(self.photos.device)
        images = self.photos[chosen].permute(0, 3, 1, 2).float() / 255
        random = _generator(self.seed, _VIEWS, step, images.device)
        crops, flips = _draw_crops(len(images), self.spec.smallest_crop, random)
        places = _draw_places(crops, self.spec.points, random)
        points = (places - crops[:, :, None, :2]) / crops[:, :, None, 2:] * flips[:, :, None]
        views = [
            _change_colours(_cut(images, c, f, self.spec.side), self.spec, random)
            for c, f in zip(crops, flips, strict=True)
        ]
        looks = (
            _smoothed(images) if self.looks is None else self.looks[chosen.to(self.looks.device)].to(images)
        )
        return ViewPair(torch.stack(views), points, places, at_points([looks], places))

    def _chosen(self, step: int) -> Int[Tensor, " batch"]:
        epoch, position = divmod(step, len(self.photos) // self.batch)
        random = _generator(self.seed, _ORDER, epoch, torch.device("cpu"))
        order = torch.randperm(len(self.photos), generator=random)
        return order[position * self.batch :][: self.batch]


def at_points(
    maps: list[Float[Tensor, "batch _ _ _"]], points: Float[Tensor, "batch point 2"]
) -> Float[Tensor, "batch point dim"]:
    """The features of all maps at points (x, y in [-1, 1]), interpolated, side by side: a hypercolumn."""
    grid = points[:, :, None]
    looked_up = [F.grid_sample(m.float(), grid, padding_mode="border", align_corners=False) for m in maps]
    return torch.cat(looked_up, dim=1).squeeze(-1).mT


def decode_once(paths: list[Path], file: Path, side: int) -> UInt8[Tensor, "photo side side 3"]:
    """All photographs squashed to side × side, from `file` where an earlier run left them there."""
    if not file.exists():
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(partial(_decode, side=side), paths)
            images = np.stack(list(track(decoded, "Decoding", total=len(paths))))
        with whole_file(file) as partial_file:
            np.save(partial_file, images)
    # Copy on write: torch asks for writable memory, and nothing writes to it.
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def _decode(path: Path, side: int) -> RGBImage:
    return resize(read_photograph(path, min_side=side), (side, side))


def _generator(seed: int, stream: int, index: int, device: torch.device) -> Generator:
    # Mixed by NumPy, because torch's CPU generator takes no more than the lower 32 bits of a seed.
    mixed = np.random.SeedSequence((seed, stream, index)).generate_state(1)[0]
    return Generator(device).manual_seed(int(mixed))


def _uniform(low: float, high: float, shape: tuple[int, ...], random: Generator) -> Tensor:
    return torch.rand(shape, generator=random, device=random.device) * (high - low) + low


def _draw_crops(
    batch: int, smallest: float, random: Generator
) -> tuple[Float[Tensor, "two batch 4"], Float[Tensor, "two batch 2"]]:
    """Crops (centre x, y and half width, height, where the photograph spans [-1, 1]) and flips (±1 for x, 1 for y)."""
    scale = _uniform(smallest, 1, (2, batch, 1), random).sqrt()
    aspect = _uniform(-0.2, 0.2, (2, batch, 1), random).exp()
    half = torch.cat([scale * aspect, scale / aspect], -1).clamp(max=1)
    centre = _uniform(-1, 1, (2, batch, 2), random) * (1 - half)
    crops = torch.cat([centre, half], -1)
    low, high = _overlap(crops)
    apart = (high - low < 2 * _SMALLEST_OVERLAP).any(-1, keepdim=True)
    crops = torch.stack([crops[0], torch.where(apart, crops[0], crops[1])])
    flip_x = _uniform(-1, 1, (2, batch, 1), random).sign()
    return crops, torch.cat([flip_x, torch.ones_like(flip_x)], -1)


def _overlap(
    crops: Float[Tensor, "two batch 4"],
) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, "batch 2"]]:
    centre, half = crops.chunk(2, dim=-1)
    return (centre - half).amax(0), (centre + half).amin(0)


def _draw_places(
    crops: Float[Tensor, "two batch 4"], count: int, random: Generator
) -> Float[Tensor, "batch point 2"]:
    low, high = _overlap(crops)
    return low[:, None] + (high - low)[:, None] * _uniform(0, 1, (len(low), count, 2), random)


def _smoothed(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    return F.avg_pool2d(images, _SMOOTHED, stride=1, padding=_SMOOTHED // 2)


def _cut(
    images: Float[Tensor, "batch 3 height width"],
    crops: Float[Tensor, "batch 4"],
    flips: Float[Tensor, "batch 2"],
    side: int,
) -> Float[Tensor, "batch 3 side side"]:
    transform = torch.cat([torch.diag_embed(crops[:, 2:] * flips), crops[:, :2, None]], -1)
    grid = F.affine_grid(transform, [len(images), 3, side, side], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _change_colours(
    views: Float[Tensor, "batch 3 side side"], spec: ViewSpec, random: Generator
) -> Float[Tensor, "batch 3 side side"]:
    brightness, contrast, saturation = 1 + spec.jitter * _uniform(-0.4, 0.4, (3, len(views), 1, 1, 1), random)
    gains = 1 + spec.jitter * _uniform(-0.15, 0.15, (len(views), 3, 1, 1), random)
    colourless, blurred = (_happens(share, len(views), random) for share in (spec.grey, spec.blur))
    mean = views.mean((1, 2, 3), keepdim=True)
    views = ((views - mean) * contrast + mean) * brightness
    grey = views.mean(1, keepdim=True)
    views = torch.where(colourless, grey, ((views - grey) * saturation + grey) * gains)
    smooth = F.avg_pool2d(F.pad(views, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    return normalise(torch.where(blurred, smooth, views).clamp(0, 1))


def _happens(share: float, batch: int, random: Generator) -> Bool[Tensor, "batch 1 1 1"]:
    return _uniform(0, 1, (batch, 1, 1, 1), random) < share


def normalise(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """RGB in [0, 1] → what the network takes."""
    mean, std = images.new_tensor(MEAN).view(3, 1, 1), images.new_tensor(STD).view(3, 1, 1)
    return (images - mean) / std
