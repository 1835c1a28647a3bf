"""A model with all that comes before and after it, as one module: a photograph of any size → its segments."""

from typing import cast

import torch
from jaxtyping import Float, Float64, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.discovery.segments import FINEST_PIXELS
from slotlight.graphs.resizing import resize_exactly
from slotlight.images.reading import MAX_ASPECT
from slotlight.model.heuristics import find_objects
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import Drawn

_HALVINGS = 3

Segmented = tuple[
    Float[Tensor, "slot rows columns"],
    Float[Tensor, " slot"],
    Int64[Tensor, " slot"],
    UInt8[Tensor, "height width"],
]


class WholeModel(nn.Module):
    """Everything that `slotlight.discovery.Discoverer` does with a photograph's pixels, for one photograph at a time.

    Args:
        segmenter: The model, in fp32 on the processor.
        seed: Of what is drawn; the graph holds what was drawn.

    Example:
        >>> from slotlight.loading import load
        >>> model = WholeModel(load().segmenter, seed=0)
        >>> with torch.no_grad():
        ...     masks, scores, groups, segments = model(torch.zeros(60, 90, 3, dtype=torch.uint8))
        >>> tuple(masks.shape), tuple(scores.shape), tuple(groups.shape), tuple(segments.shape)
        ((8, 104, 156), (8,), (8,), (60, 90))
    """

    noise: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, segmenter: ModelSegmenter, *, seed: int) -> None:
        super().__init__()
        drawn = segmenter.model.draw(seed)
        self.image_size, self.patch_size = segmenter.image_size, segmenter.patch_size
        self.extract, self.model = segmenter.backbone.extract, segmenter.model
        self.reference = drawn.reference
        self.register_buffer("noise", drawn.noise)
        self.register_buffer("mean", segmenter.backbone.mean)
        self.register_buffer("std", segmenter.backbone.std)

    def forward(self, image: UInt8[Tensor, "height width 3"]) -> Segmented:
        """Masks, scores and groups as `slotlight.segmenter.SlotMasks` has them, and the slot that wins each pixel."""
        rows, columns = self._grid(*image.shape[:2])
        small = resize_exactly(image, rows * self.patch_size, columns * self.patch_size)
        images = small.unsqueeze(0) / 255
        features = self.extract((images - self.mean) / self.std)
        found = self.model.segment_from(features, (rows, columns), Drawn(self.noise, self.reference))
        slots = find_objects(
            found.masks.unflatten(2, (rows, columns)),
            found.features,
            found.foreground,
            found.agreement if self.model.attention.heads > 1 else None,
            images,
            self.model.config.heuristics,
        )
        segments = winning_slots(slots.masks[0], image.shape[0], image.shape[1])
        return slots.masks[0], slots.scores[0], slots.group_of[0], segments

    def _grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches, as `slotlight.images.fit_size` has them."""
        aspect = _number(width) / _number(height)
        root = aspect.clamp(1 / MAX_ASPECT, MAX_ASPECT).sqrt()
        side = self.image_size / self.patch_size
        least, most = round(side / MAX_ASPECT**0.5), round(side * MAX_ASPECT**0.5)
        grid = _whole(side / root, least, most), _whole(side * root, least, most)
        for count in grid:
            _tell_halves(count)
        return grid


def winning_slots(
    masks: Float[Tensor, "slot rows columns"], height: int, width: int
) -> UInt8[Tensor, "height width"]:
    """The slot that wins each pixel, as `slotlight.discovery.objects.pixel_objects` has it."""
    longer = torch.maximum(_number(height), _number(width))
    shrink = (FINEST_PIXELS / longer).clamp(max=1.0)
    fine = [_whole(_number(side) * shrink, 1, FINEST_PIXELS) for side in (height, width)]
    smooth = F.interpolate(masks.unsqueeze(0), fine, mode="bilinear", align_corners=False)
    winner = smooth[0].argmax(dim=0)
    down, across = (_nearest(new, old) for new, old in zip((height, width), fine, strict=True))
    return winner.index_select(0, down).index_select(1, across).to(torch.uint8)


def _nearest(new: int, old: int) -> Int64[Tensor, " new"]:
    """Which old cell each new one shows, computed in fp32 as torch does."""
    step = _number(old).float() / _number(new).float()
    return (torch.arange(new, dtype=torch.float32) * step).floor().long().clamp(max=old - 1)


def _whole(value: Float64[Tensor, ""], least: int, most: int) -> int:
    """A rounded number as a size; a graph that is traced learns its bounds."""
    size = cast(int, value.round().clamp(least, most).long().item())
    torch._check(size >= least)
    torch._check(size <= most)
    return size


def _tell_halves(count: int) -> None:
    """Truisms that tracing asks for: a ConvNet's coarser stages halve a size of two or more, rounding up."""
    half = count
    for _ in range(_HALVINGS):
        torch._check(2 * ((half - 1) // 2) < half)
        half = (half - 1) // 2 + 1
        torch._check(half != count)


def _number(side: int) -> Float64[Tensor, ""]:
    return torch.scalar_tensor(side, dtype=torch.float64)
