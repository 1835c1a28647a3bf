"""Small clips, made by PyAV itself, and a segmenter that finds what is drawn in them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from slotlight.baselines.segmenters import PixelMethod, PixelSegmenter
from slotlight.config import ObjectRule
from slotlight.discovery.discoverer import Discoverer
from slotlight.segmenter import SlotMasks

RED, BLUE = (230, 20, 20), (20, 20, 230)


def squares(count: int, size: tuple[int, int] = (48, 64), hidden: Sequence[int] = ()) -> Iterator[np.ndarray]:
    """A red square that moves right and a blue one that moves left on grey; the red one is hidden now and then."""
    for number in range(count):
        image = np.full((*size, 3), 128, np.uint8)
        if number not in hidden:
            image[6:18, 4 + number : 16 + number] = RED
        image[28:42, 46 - number : 60 - number] = BLUE
        yield image


def write_clip(
    path: Path,
    frames: Iterator[np.ndarray],
    *,
    times_s: Sequence[float] | None = None,
    rotation: int = 0,
    gop: int = 12,
) -> Path:
    """Encode frames, 25 a second unless their times are given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10", "preset": "ultrafast"})
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.gop_size = gop
        for number, image in enumerate(frames):
            if not number:
                stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = round(1000 * (times_s[number] if times_s else number / 25))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_clip(path: Path) -> list[tuple[float, np.ndarray]]:
    """Times and pictures."""
    with av.open(str(path)) as container:
        return [(float(f.time or 0), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def by_colour(images: Tensor, seed: int) -> SlotMasks:  # noqa: ARG001
    """What is red, what is blue, and the rest."""
    red, green, blue = images.unbind(1)
    masks = torch.stack([(red > green + 0.4).float(), (blue > green + 0.4).float()], dim=1)
    masks = torch.cat([masks, 1 - masks.sum(1, keepdim=True)], dim=1)
    return SlotMasks(masks, images.new_tensor([[0.6, 0.8, 0.0]]).expand(len(images), -1))


def colour_discoverer() -> Discoverer:
    method = PixelMethod("red, blue, the rest", by_colour, image_size=55)  # which leaves 48×64 as it is
    return Discoverer(PixelSegmenter("by-colour", method), rule=ObjectRule(min_area=0.005))
