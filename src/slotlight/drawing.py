"""Pictures: overlays of objects, label maps one can see, contact sheets."""

import colorsys
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

OPACITY = 0.45
_GOLDEN = 0.618033988749895  # steps of the golden ratio keep neighbouring hues far apart


def palette(count: int) -> list[Colour]:
    """Distinct, bright colours, always the same ones."""
    hues = [(0.02 + i * _GOLDEN) % 1 for i in range(count)]
    return [tuple(round(255 * v) for v in colorsys.hsv_to_rgb(h, 0.75, 1.0)) for h in hues]  # type: ignore[misc]


def overlay(
    image: UInt8[np.ndarray, "height width 3"],
    masks: Bool[np.ndarray, "object height width"],
    boxes_xyxy: Float[np.ndarray, "object 4"],
    scores: Float[np.ndarray, " object"],
) -> Image.Image:
    """A photograph with its objects: coloured masks, boxes, and scores in per cent."""
    colours = palette(len(masks))
    picture = Image.fromarray(image)
    if len(masks):
        picture = _tint(image, masks.argmax(axis=0).astype(np.uint8), np.logical_or.reduce(masks), colours)
    draw = ImageDraw.Draw(picture)
    unit = max(image.shape[:2]) / 500
    font = ImageFont.load_default(size=max(8, round(13 * unit)))
    # The best object is drawn last, so that nothing hides its label.
    for box, score, colour in reversed(list(zip(boxes_xyxy, scores, colours, strict=True))):
        left, top, right, bottom = (float(v) for v in box)
        draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=max(1, round(2 * unit)))
        _label(draw, (left, top), f"{100 * score:.0f}", colour, font)
    return picture


def label_map(labels: UInt8[np.ndarray, "height width"]) -> Image.Image:
    """A label map as a palette image: its values are the labels, and each label has a colour; 0 is black."""
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, *(v for colour in palette(255) for v in colour)])
    return picture


def segment_picture(
    image: UInt8[np.ndarray, "height width 3"], segments: UInt8[np.ndarray, "height width"]
) -> Image.Image:
    """A photograph under the colours of all its segments."""
    return _tint(image, segments, np.ones_like(segments, dtype=bool), palette(int(segments.max()) + 1))


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
    numbers: UInt8[np.ndarray, "height width"],
    where: Bool[np.ndarray, "height width"],
    colours: Sequence[Colour],
) -> Image.Image:
    """The image, with the colour of its number laid over every pixel that is named."""
    photograph, paint = Image.fromarray(image), Image.fromarray(numbers)
    paint.putpalette([value for colour in colours for value in colour])
    painted = Image.blend(photograph, paint.convert("RGB"), OPACITY)
    return Image.composite(painted, photograph, Image.fromarray(where))


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
