"""Pictures: overlays of objects, label maps one can see, contact sheets."""

import colorsys
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont, ImageStat

Colour = tuple[int, int, int]
Masks: TypeAlias = Bool[np.ndarray, "object height width"] | Sequence[Bool[np.ndarray, "height width"]]
"""Of the objects of a photograph, all at once or one at a time."""

OPACITY = 0.4
PALETTE_SIZE = 12
MAX_UNIT = 16.0  # of the size of lines and labels: fonts have a largest size
_GOLDEN = 0.618033988749895  # steps of the golden ratio keep neighbouring hues far apart


def palette(count: int) -> list[Colour]:
    """Distinct, bright colours, always the same ones."""
    return [colour_of(number) for number in range(count)]


def colour_of(number: int) -> Colour:
    """The colour of an object that keeps its number."""
    red, green, blue = colorsys.hsv_to_rgb((0.02 + number * _GOLDEN) % 1, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def best_on_top(masks: Masks, size: tuple[int, ...]) -> UInt8[np.ndarray, "height width"]:
    """Objects as one map: 0 is no object, 1 the first, 2 the next; where two overlap, the first is seen.

    Example:
        >>> best_on_top(np.array([[[True, True, False, False]], [[False, True, True, False]]]), (1, 4)).tolist()
        [[1, 1, 2, 0]]
    """
    labels = np.zeros(size, np.uint8)
    for number in range(len(masks), 0, -1):
        np.copyto(labels, number, where=masks[number - 1])
    return labels


def overlay(
    image: UInt8[np.ndarray, "height width 3"],
    masks: Masks,
    boxes_xyxy: Float[np.ndarray, "object 4"],
    scores: Float[np.ndarray, " object"],
    *,
    texts: Sequence[str] | None = None,
    colours: Sequence[Colour] | None = None,
) -> Image.Image:
    """A photograph with its objects: tinted and outlined masks, boxes, and texts, which are scores in per cent.

    Args:
        image: The photograph.
        masks: Of the objects.
        boxes_xyxy: Around them.
        scores: Of the objects.
        texts: What to write on each in place of its score.
        colours: The colour of each in place of `contrasting_colours`.
    """
    picture = Image.fromarray(image)
    if not len(masks):
        return picture
    colours = contrasting_colours(image, masks) if colours is None else colours
    texts = [f"{100 * score:.0f}" for score in scores] if texts is None else texts
    labels = best_on_top(masks, image.shape[:2])
    unit = _unit(image.shape[:2])
    width = max(1, round(2 * unit))
    picture = _tint(image, labels, colours, _outline(labels, width))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(8, round(13 * unit)))
    # The best object is drawn last, so that nothing hides its label.
    for box, text, colour in reversed(list(zip(boxes_xyxy, texts, colours, strict=True))):
        left, top, right, bottom = (float(v) for v in box)
        last = (
            max(left, right - 1),
            max(top, bottom - 1),
        )  # of a photograph of one row, less than a pixel may be left
        draw.rectangle((left, top, *last), outline=colour, width=width)
        _label(draw, (left, top), text, colour, font)
    return picture


def outlined(
    picture: Image.Image, mask: Bool[np.ndarray, "height width"], colour: Colour, *, strength: float = 1.0
) -> Image.Image:
    """A picture with a line along the inner side of a mask's edge.

    Args:
        picture: Of the mask's size.
        mask: What to draw around.
        colour: Of the line.
        strength: Its width, as a multiple of the lines of `overlay`.
    """
    width = max(1, round(2 * strength * _unit(mask.shape)))
    line = _outline(np.pad(mask, width).astype(np.uint8), width)[width:-width, width:-width]
    return Image.composite(Image.new("RGB", picture.size, colour), picture, Image.fromarray(line))


def _unit(size: tuple[int, ...]) -> float:
    """What the width of lines and the size of texts are multiples of."""
    return min(max(size) / 500, min(size) / 20, MAX_UNIT)


def contrasting_colours(image: UInt8[np.ndarray, "height width 3"], masks: Masks) -> list[Colour]:
    """For each object, of the colours that are still free, the one farthest from its own mean colour."""
    picture = Image.fromarray(image)
    free = np.array(palette(max(PALETTE_SIZE, len(masks))), dtype=float)
    chosen: list[Colour] = []
    for mask in masks:
        # Its histogram gives the same mean in a quarter of the time.
        mean = ImageStat.Stat(picture, Image.fromarray(mask)).mean if mask.any() else np.zeros(3)
        best = int(np.square(free - mean).sum(axis=1).argmax())
        red, green, blue = (round(value) for value in free[best])
        chosen.append((red, green, blue))
        free = np.delete(free, best, axis=0)
    return chosen


def label_map(labels: UInt8[np.ndarray, "height width"]) -> Image.Image:
    """A label map as a palette image: its values are the labels, and each label has a colour; 0 is black."""
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, *(v for colour in palette(255) for v in colour)])
    return picture


def segment_picture(
    image: UInt8[np.ndarray, "height width 3"], segments: UInt8[np.ndarray, "height width"]
) -> Image.Image:
    """A photograph under the colours of all its segments."""
    return _tint(image, segments + np.uint8(1), palette(int(segments.max()) + 1))


def contact_sheet(pictures: Sequence[Image.Image], *, columns: int = 4, side: int = 240) -> Image.Image:
    """Pictures in a grid, each fitted into a square of ``side`` pixels."""
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (min(columns, len(pictures)) * side, rows * side), "white")
    for place, picture in enumerate(pictures):
        small = picture.convert("RGB")
        small.thumbnail((side - 6, side - 6))
        corner = ((place % columns) * side, (place // columns) * side)
        sheet.paste(small, tuple(c + (side - s) // 2 for c, s in zip(corner, small.size, strict=True)))  # type: ignore[arg-type]
    return sheet


def _tint(
    image: UInt8[np.ndarray, "height width 3"],
    labels: UInt8[np.ndarray, "height width"],
    colours: Sequence[Colour],
    outline: Bool[np.ndarray, "height width"] | None = None,
) -> Image.Image:
    """The image, with the colour of its label (from 1; 0 is none) laid over every pixel; opaque on the outline."""
    photograph, paint = Image.fromarray(image), Image.fromarray(labels)
    paint.putpalette([0, 0, 0, *(value for colour in colours for value in colour)])
    paint = paint.convert("RGB")
    where = Image.fromarray(labels > 0)
    painted = Image.composite(Image.blend(photograph, paint, OPACITY), photograph, where)
    return painted if outline is None else Image.composite(paint, painted, Image.fromarray(outline))


def _outline(labels: UInt8[np.ndarray, "height width"], width: int) -> Bool[np.ndarray, "height width"]:
    """Pixels of an object within ``width`` of another object or of none, in a row or column."""
    edge = np.zeros(labels.shape, dtype=bool)
    down, across = labels[width:] != labels[:-width], labels[:, width:] != labels[:, :-width]
    edge[width:] |= down
    edge[:-width] |= down
    edge[:, width:] |= across
    edge[:, :-width] |= across
    found: Bool[np.ndarray, "height width"] = edge & (labels > 0)
    return found


def _label(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    colour: Colour,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    _, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = (bottom - top) / 3
    size = (right + 2 * pad, bottom + 2 * pad)
    # A label near the right or lower edge is moved into the picture.
    x, y = (max(0.0, min(c, whole - s)) for c, s, whole in zip(corner, size, draw.im.size, strict=True))
    draw.rectangle((x, y, x + size[0], y + size[1]), fill=colour)
    draw.text((x + pad, y + pad), text, fill="black", font=font)
