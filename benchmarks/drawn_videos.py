"""Videos with known masks, drawn from a seed: objects that move over a background and hide one another.

``shapes`` are textured shapes on textured grounds, and need no data. ``cutouts`` are objects cut out of VOC 2012's
photographs by their class masks, moving over other, blurred photographs of VOC: those with one annotated object, so
that mask and object are one, and no sharp thing in the background that is an object nobody knows of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageFilter

from slotlight.datasets.synthetic import SyntheticDataset, draw_scene
from slotlight.datasets.voc import VOCDataset, read_boxes
from slotlight.images import RGBImage, read_photograph

SIZE = (240, 320)
BLUR = 6
"""Of the background, in pixels, as a lens blurs what is far behind."""


@dataclass(frozen=True)
class DrawnFrame:
    """A frame and the truth about it: 0 background, otherwise the object's number, the same in every frame."""

    image: RGBImage
    instances: UInt8[np.ndarray, "height width"]


@dataclass(frozen=True)
class Sprite:
    """An object that has been cut out: its pixels and its mask, both cropped to it."""

    image: RGBImage
    mask: Bool[np.ndarray, "height width"]


def shape_sprites(rng: np.random.Generator, count: int) -> tuple[RGBImage, list[Sprite]]:
    """A ground, and shapes of other scenes."""
    seed = int(rng.integers(1 << 30))
    scenes = SyntheticDataset(seed=seed, fewest_objects=1, most_objects=1, least_visible=0)
    image = draw_scene(SyntheticDataset(seed=seed, fewest_objects=0, most_objects=0), 0).image
    sprites = []
    for number in range(1, 50):
        scene = draw_scene(scenes, number)
        if scene.instances.any() and not _touches_border(scene.instances > 0):
            sprites.append(_cropped(scene.image, scene.instances > 0))
        if len(sprites) == count:
            break
    return image, sprites


def cutout_sprites(rng: np.random.Generator, count: int, voc: VOCDataset) -> tuple[RGBImage, list[Sprite]]:
    """A photograph as background, and objects of other photographs."""
    order = iter(rng.permutation(len(voc)))
    background = _photograph(voc, voc[int(next(order))].id)
    sprites: list[Sprite] = []
    for index in order:
        name = voc[int(index)].id
        if len(sprites) == count:
            break
        if len(read_boxes(voc.root / "Annotations" / f"{name}.xml")) != 1:
            continue
        classes = np.asarray(Image.open(voc.root / "SegmentationClass" / f"{name}.png"))
        mask = (classes > 0) & (classes < 255)
        share = mask.mean()
        if 0.03 < share < 0.5 and not _touches_border(mask) and len(np.unique(classes[mask])) == 1:
            sprites.append(_cropped(read_photograph(voc.root / "JPEGImages" / f"{name}.jpg"), mask))
    far = Image.fromarray(background).resize(SIZE[::-1], Image.Resampling.BICUBIC)
    return np.asarray(far.filter(ImageFilter.GaussianBlur(BLUR))), sprites


def draw_video(
    background: RGBImage, sprites: Sequence[Sprite], rng: np.random.Generator, frames: int
) -> Iterator[DrawnFrame]:
    """Move the sprites along smooth paths, turning and growing a little, the last in front; the camera drifts."""
    wide = Image.fromarray(background).resize((SIZE[1] + 40, SIZE[0] + 40), Image.Resampling.BICUBIC)
    paths = [_path(rng, frames) for _ in sprites]
    sides = [rng.uniform(0.3, 0.5) * SIZE[0] for _ in sprites]
    drift = 20 + 15 * np.stack([np.sin(np.linspace(0, rng.uniform(2, 5), frames)) for _ in range(2)], axis=1)
    for number in range(frames):
        left, top = drift[number].round().astype(int)
        picture = wide.crop((left, top, left + SIZE[1], top + SIZE[0]))
        instances = Image.new("L", SIZE[::-1])
        for one, (sprite, path, side) in enumerate(zip(sprites, paths, sides, strict=True), start=1):
            _paste(picture, instances, sprite, path[number], side, one)
        grain = rng.normal(0, 2, (*SIZE, 3))
        image = (np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)
        yield DrawnFrame(image, np.asarray(instances))


def drawn_video(kind: str, seed: int, frames: int, voc: Path | None = None) -> Iterator[DrawnFrame]:
    """The video of a seed: one to three objects.

    Args:
        kind: ``shapes`` or ``cutouts``.
        seed: Another seed, another video.
        frames: How many.
        voc: A VOC devkit, for cutouts.
    """
    rng = np.random.default_rng([seed, kind == "cutouts"])
    count = int(rng.integers(1, 4))
    if kind == "shapes":
        background, sprites = shape_sprites(rng, count)
    else:
        assert voc is not None
        background, sprites = cutout_sprites(rng, count, VOCDataset(voc, "dev"))
    return draw_video(background, sprites, rng, frames)


def _photograph(voc: VOCDataset, name: str) -> RGBImage:
    return read_photograph(voc.root / "JPEGImages" / f"{name}.jpg")


def _cropped(image: RGBImage, mask: Bool[np.ndarray, "height width"]) -> Sprite:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Sprite(image[box], mask[box])


def _touches_border(mask: Bool[np.ndarray, "height width"]) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def _path(rng: np.random.Generator, frames: int) -> Float[np.ndarray, "frame 4"]:
    """Centre (down, across, as shares of the picture), angle in degrees and scale in each frame."""
    time = np.linspace(0, 1, frames)
    start, end = rng.uniform(0.25, 0.75, 2), rng.uniform(0.25, 0.75, 2)
    sway = rng.uniform(-0.12, 0.12, 2)[None] * np.sin(2 * np.pi * time * rng.uniform(0.5, 1.5))[:, None]
    centre = start + (end - start) * time[:, None] + sway
    angle = rng.uniform(-25, 25) * np.sin(np.pi * time)
    scale = np.exp(rng.uniform(-0.25, 0.25) * time)
    return np.column_stack([centre, angle, scale])


def _paste(
    picture: Image.Image,
    instances: Image.Image,
    sprite: Sprite,
    pose: Float[np.ndarray, "4"],
    side: float,
    number: int,
) -> None:
    height, width = sprite.mask.shape
    scale = side * pose[3] / np.sqrt(height * width)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    image = Image.fromarray(sprite.image).resize(size, Image.Resampling.LANCZOS)
    mask = Image.fromarray(sprite.mask.astype(np.uint8) * np.uint8(255)).resize(size, Image.Resampling.BOX)
    image = image.rotate(pose[2], Image.Resampling.BICUBIC, expand=True)
    mask = mask.rotate(pose[2], Image.Resampling.BILINEAR, expand=True)
    corner = (round(pose[1] * SIZE[1] - image.width / 2), round(pose[0] * SIZE[0] - image.height / 2))
    picture.paste(image, corner, mask)
    instances.paste(number, corner, mask.point(lambda level: 255 * (level > 127)))
