"""Floors that look at nothing: the whole image, a centred box, equal tiles. No score below them says much.

Measured on every fifth VOC 2012 val photograph under `paper` (mIoU / mBO / CorLoc): whole image 31.4 / 18.9 /
36.9, centre box 32.7 / 24.2 / 53.1, seven tiles 21.9 / 23.3 / 8.3.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from slotlight.segmenter import SlotMasks

MARGIN = 1 / 8  # of each side, on either side of the centre box
NUM_TILES = 7


def whole_image(images: Float[Tensor, "batch 3 height width"]) -> SlotMasks:
    """One object: everything."""
    ones = images.new_ones(len(images), 1)
    return SlotMasks(masks=ones[..., None, None], scores=ones)


def centre_box(images: Float[Tensor, "batch 3 height width"]) -> SlotMasks:
    """One object: the middle three quarters of each side. The rest is background.

    Source:
        The middle box is the usual floor of co-localisation (Siméoni et al., 2021, among others).
    """
    inside = images.new_zeros(len(images), *images.shape[2:])
    top, left = (round(side * MARGIN) for side in images.shape[2:])
    inside[:, top : images.shape[2] - top, left : images.shape[3] - left] = 1
    return SlotMasks(
        masks=torch.stack((inside, 1 - inside), dim=1), scores=images.new_tensor([[1.0, 0.0]] * len(images))
    )


def tiles(images: Float[Tensor, "batch 3 height width"]) -> SlotMasks:
    """Seven tiles of equal area in a few rows; the nearer a tile is to the centre, the higher its score."""
    numbers = tile_map(images.shape[2], images.shape[3], NUM_TILES).to(images.device)
    masks = F.one_hot(numbers, NUM_TILES).permute(2, 0, 1).to(images)
    area = masks.sum((1, 2))
    places = [torch.linspace(-1, 1, side).to(images) for side in images.shape[2:]]
    down, across = (masks * places[0][:, None]).sum((1, 2)), (masks * places[1]).sum((1, 2))
    distance = torch.hypot(down, across) / area.clamp(min=1)  # from the centre; a corner is √2 away
    scores = (1 - distance / 2) * (area > 0)
    batch = len(images)
    return SlotMasks(masks=masks.expand(batch, -1, -1, -1), scores=scores.expand(batch, -1))


def tile_map(height: int, width: int, num_tiles: int) -> Int[Tensor, "{height} {width}"]:
    """The number of the tile of each cell: rows as high as they have tiles, so that all tiles are equal.

    Example:
        >>> tile_map(2, 4, 4).tolist()
        [[0, 0, 1, 1], [2, 2, 3, 3]]
    """
    num_rows = round(num_tiles**0.5)
    first = torch.arange(num_rows + 1) * num_tiles // num_rows  # first tile of each row, and the end
    down, across = ((torch.arange(side) + 0.5) / side for side in (height, width))
    row = torch.bucketize(down, first[1:-1] / num_tiles)
    in_row = first.diff()[row]
    numbers: Tensor = first[row][:, None] + (across * in_row[:, None]).long()
    return numbers
