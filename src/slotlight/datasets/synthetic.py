"""Textured shapes on textured grounds: any number of scenes, with exact labels, drawn from a seed.

Good enough to train and test on without a download. Grounds and objects have several octaves of noise,
stripes or checks, uneven light and a little sensor noise, so neither colour nor edges alone give the objects
away. Shapes are star-shaped: each is one radius for every angle, which is what makes drawing them all at once
easy.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

from slotlight.datasets.label_files import foreground_of
from slotlight.datasets.sample import LabelKind, Labels, Sample, boxes_of_instances
from slotlight.files import digest
from slotlight.images import RGBImage

SHAPES = ("disc", "box", "triangle", "star", "flower", "blob")
"""The classes behind the labels 1 to 6."""

_ANGLES = np.linspace(-np.pi, np.pi, 721)
_LEAST_PIXELS = 16
"""A shape of which fewer pixels are visible does not count as an object."""


@dataclass(frozen=True)
class Scene:
    """A drawn photograph and the truth about it.

    Attributes:
        image: RGB.
        instances: 0 ground, 1… object.
        classes: 0 ground, 1… shape, in the order of `SHAPES`.
    """

    image: RGBImage
    instances: UInt8[np.ndarray, "height width"]
    classes: UInt8[np.ndarray, "height width"]


@dataclass(frozen=True)
class SyntheticDataset:
    """A seeded set of scenes; the same index is the same scene on every machine and in every order.

    Attributes:
        count: How many scenes.
        seed: Scenes of two seeds have nothing in common.
        height: Of every scene, in pixels.
        width: Of every scene, in pixels.
        fewest_objects: A scene has at least this many, before hidden ones are left out.
        most_objects: And at most this many.
        radius: Of objects, least and greatest, as a share of the shorter side; (0.03, 0.08) is small objects.
        least_visible: An object more hidden than this share by those before it is left out; 1 is no occlusion.

    Example:
        >>> scene = SyntheticDataset(count=3, seed=1)[0]
        >>> scene.read_image().shape
        (240, 320, 3)
    """

    count: int = 1000
    seed: int = 0
    height: int = 240
    width: int = 320
    fewest_objects: int = 1
    most_objects: int = 5
    radius: tuple[float, float] = (0.12, 0.3)
    least_visible: float = 0.4
    name: str = "synthetic"
    split: str = "all"
    label_kinds: frozenset[LabelKind] = field(default=frozenset(LabelKind), repr=False)  # whose order varies

    def __len__(self) -> int:
        """How many scenes."""
        return self.count

    def __getitem__(self, index: int) -> Sample:
        """One scene; nothing is drawn yet."""
        if not 0 <= index < self.count:
            raise IndexError(f"scene {index} of {self.count}")
        return Sample(
            id=f"scene-{self.seed}-{index:06d}",
            read_image=lambda: draw_scene(self, index).image,
            read_labels=lambda _: _labels(draw_scene(self, index)),
            identity=lambda: digest(repr(replace(self, count=0)), index),  # all that the scene depends on
        )


@lru_cache(maxsize=32)
def draw_scene(dataset: SyntheticDataset, index: int) -> Scene:
    """Draw a scene: its ground, then its objects from back to front with their shadows, then grain."""
    rng = np.random.default_rng([dataset.seed, index])
    size = (dataset.height, dataset.width)
    shapes = _draw_shapes(rng, dataset)
    ground = rng.uniform(0.1, 0.9, 3)
    picture = _texture(rng, size, ground)
    instances, classes = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for number, shape in enumerate(shapes[::-1], start=1):
        picture = _paint(rng, picture, shape, ground)
        instances[shape.inside] = number
        classes[shape.inside] = shape.kind + 1
    picture = gaussian_filter(picture, (0.5, 0.5, 0)) + rng.normal(0, 0.015, picture.shape).astype(np.float32)
    return Scene(np.rint(picture.clip(0, 1) * 255).astype(np.uint8), instances, classes)


@dataclass(frozen=True)
class _Shape:
    """One object before it is painted: how deep each pixel lies inside its outline, in pixels."""

    kind: int
    depth: Float[np.ndarray, "height width"]
    radius: float

    @property
    def inside(self) -> Bool[np.ndarray, "height width"]:
        return self.depth > 0


def _draw_shapes(rng: np.random.Generator, dataset: SyntheticDataset) -> list[_Shape]:
    """The scene's shapes from front to back, those too hidden left out."""
    kept: list[_Shape] = []
    covered = np.zeros((dataset.height, dataset.width), bool)
    for _ in range(rng.integers(dataset.fewest_objects, dataset.most_objects, endpoint=True)):
        shape = _draw_shape(rng, dataset)
        visible = shape.inside & ~covered
        if visible.sum() >= max(dataset.least_visible * shape.inside.sum(), _LEAST_PIXELS):
            kept.append(shape)
            covered |= shape.inside
    return kept


def _draw_shape(rng: np.random.Generator, dataset: SyntheticDataset) -> _Shape:
    kind = int(rng.integers(len(SHAPES)))
    radius = rng.uniform(*dataset.radius) * min(dataset.height, dataset.width)
    centre = rng.uniform(0.1, 0.9, 2) * (dataset.height, dataset.width)
    stretch, turn = np.exp(rng.uniform(-0.35, 0.35)), rng.uniform(0, 2 * np.pi)
    grid = np.mgrid[: dataset.height, : dataset.width].astype(np.float32)
    y, x = grid - centre[:, None, None].astype(np.float32)
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    along, across = along / stretch, across * stretch
    distance, angle = np.hypot(along, across), np.arctan2(across, along)
    outline = np.interp(angle, _ANGLES, _outline(rng, SHAPES[kind]))
    return _Shape(kind, radius * outline - distance, radius)


def _outline(rng: np.random.Generator, shape: str) -> Float[np.ndarray, " angle"]:
    """The radius at each angle, at most about 1."""
    if shape in ("box", "triangle"):
        sector = 2 * np.pi / (4 if shape == "box" else 3)
        return np.asarray(np.cos(sector / 2) / np.cos(_ANGLES % sector - sector / 2))
    if shape == "star":
        sharp = np.abs((_ANGLES * 5 / (2 * np.pi)) % 1 - 0.5) * 2
        return np.asarray(0.45 / (1 - 0.55 * sharp))
    if shape == "flower":
        return np.asarray(0.75 + 0.25 * np.cos(int(rng.integers(3, 7)) * _ANGLES))
    waves = np.arange(2, 6)[:, None]
    size = rng.normal(0, 0.12, (4, 1)) * (shape == "blob")
    return np.asarray(0.85 + (size * np.cos(waves * _ANGLES + rng.uniform(0, 2 * np.pi, (4, 1)))).sum(0))


def _paint(
    rng: np.random.Generator, picture: Float[np.ndarray, "height width 3"], shape: _Shape, ground: np.ndarray
) -> Float[np.ndarray, "height width 3"]:
    """Lay one object over the picture: its soft shadow first, then its texture, rounder towards the rim."""
    size = picture.shape[:2]
    shifted = np.pad(shape.inside, ((3, 0), (3, 0)))[:-3, :-3].astype(np.float32)
    shadow = gaussian_filter(shifted, 3)[..., None]
    edge = (shape.depth + 0.5).clip(0, 1)[..., None]
    roundness = 0.75 + 0.35 * np.sqrt((shape.depth / shape.radius).clip(0, 1))[..., None]
    texture = _texture(rng, size, _colour_unlike(rng, ground)) * roundness
    return np.asarray(picture * (1 - 0.35 * shadow) * (1 - edge) + texture * edge)


def _colour_unlike(rng: np.random.Generator, ground: np.ndarray) -> Float[np.ndarray, "3"]:
    """The most distant of three random colours: objects are seldom camouflaged, never labelled by colour."""
    colours = rng.uniform(0.1, 0.9, (3, 3))
    return np.asarray(colours[np.abs(colours - ground).sum(1).argmax()])


def _texture(
    rng: np.random.Generator, size: tuple[int, int], colour: np.ndarray
) -> Float[np.ndarray, "height width 3"]:
    """A material: two near colours mixed by noise, warped stripes or checks, under uneven light."""
    other = (colour + rng.normal(0, 0.3, 3)).clip(0, 1)
    noise = _noise(rng, size)
    scale = rng.uniform(3, 14)
    y, x = (np.arange(side, dtype=np.float32) / scale for side in size)
    turn = rng.uniform(0, np.pi)
    first = float(np.cos(turn)) * x + float(np.sin(turn)) * y[:, None] + 3 * noise
    second = float(np.cos(turn)) * y[:, None] - float(np.sin(turn)) * x + 3 * noise
    waves = {"noise": noise, "stripes": np.sin(first), "checks": np.sin(first) * np.sin(second)}
    pattern = waves[str(rng.choice(list(waves)))]
    mix = (0.5 + 0.35 * pattern + 0.25 * _noise(rng, size)).clip(0, 1)[..., None]
    light = 1 + 0.25 * _noise(rng, size, finest=2)[..., None]
    difference, base = (colour - other).astype(np.float32), other.astype(np.float32)
    return np.asarray((base + difference * mix) * light)


def _noise(
    rng: np.random.Generator, size: tuple[int, int], finest: int = 6
) -> Float[np.ndarray, "height width"]:
    """Smooth noise of a few octaves, about in [-1, 1]: random grids of 3, 5, 9 … points, ever weaker."""
    total = np.zeros(size, np.float32)
    for octave in range(1, finest + 1):
        grid = rng.normal(0, 0.6, (2**octave + 1,) * 2).astype(np.float32) / octave
        total += np.asarray(Image.fromarray(grid).resize(size[::-1], Image.Resampling.BICUBIC))
    return total


def _labels(scene: Scene) -> Labels:
    foreground = foreground_of(scene.instances)
    return Labels(foreground, scene.classes, scene.instances, boxes_of_instances(scene.instances))
