"""Pseudo-masks → what a training step sees: read, resized, mirrored, and with instances of others pasted in."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import DistilConfig
from slotlight.detector.network import STRIDE
from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.discovery.segments import mask_boxes_xyxy
from slotlight.images import fit_size, read_photograph, resize, to_batch

PASTED_SCALE = (0.3, 1.0)
"""Of an instance that is pasted into another photograph, drawn uniformly."""

LEAST_VISIBLE = 0.5
"""A region is dropped when pasted instances leave less than this share of it."""

LEAST_PIXELS = 64
"""Regions smaller than this teach nothing."""


@dataclass(frozen=True)
class Example:
    """A photograph and its regions.

    Attributes:
        image: RGB in [0, 1].
        masks: Of its regions.
    """

    image: Float[Tensor, "3 height width"]
    masks: Bool[Tensor, "region height width"]

    def targets(self) -> dict[str, Tensor]:
        """What torchvision's detectors learn from: boxes, labels and masks."""
        boxes = torch.from_numpy(mask_boxes_xyxy(self.masks.numpy()))
        return {
            "boxes": boxes,
            "labels": torch.ones(len(boxes), dtype=torch.int64),
            "masks": self.masks.to(torch.uint8),
        }


def read_example(pseudo: PseudoMasks, size: int, mirrored: bool) -> Example:
    """Read a photograph and its regions at about ``size`` pixels squared.

    Raises:
        ImageError: It can no longer be read.
    """
    image = read_photograph(pseudo.path)
    height, width, _ = image.shape
    target = fit_size(height, width, size, STRIDE)
    pixels = to_batch([resize(image, target)], torch.device("cpu"))[0]
    if pseudo.masks:
        masks = torch.from_numpy(pseudo.decode()).float().unsqueeze(0)
        regions = F.interpolate(masks, target, mode="bilinear", align_corners=False)[0] > 0.5
    else:
        regions = torch.zeros(0, *target, dtype=torch.bool)
    if mirrored:
        pixels, regions = pixels.flip(-1), regions.flip(-1)
    return Example(pixels, regions[regions.sum(dim=(1, 2)) >= LEAST_PIXELS])


def paste(onto: Example, source: Example, rng: np.random.Generator) -> Example:
    """Paste an instance of another photograph at a random place and scale; what it hides is hidden.

    Simple copy-paste (Ghiasi et al., arXiv 2012.07177), with CutLER's scales.
    """
    if not len(source.masks):
        return onto
    mask = source.masks[int(rng.integers(len(source.masks)))]
    ((left, top, right, bottom),) = mask_boxes_xyxy(mask[None].numpy()).astype(int).tolist()
    scale = rng.uniform(*PASTED_SCALE)
    height, width = onto.image.shape[1:]
    size = (
        min(height, max(1, round((bottom - top) * scale))),
        min(width, max(1, round((right - left) * scale))),
    )
    pixels = _resized(source.image[:, top:bottom, left:right], size)
    shape = _resized(mask[None, top:bottom, left:right].float(), size)[0] > 0.5
    if int(shape.sum()) < LEAST_PIXELS:
        return onto
    row, column = int(rng.integers(height - size[0] + 1)), int(rng.integers(width - size[1] + 1))
    window = (slice(row, row + size[0]), slice(column, column + size[1]))
    image, masks = onto.image.clone(), onto.masks.clone()
    image[:, *window] = torch.where(shape, pixels, image[:, *window])
    area = masks.sum(dim=(1, 2))
    masks[:, *window] &= ~shape
    visible = masks.sum(dim=(1, 2)) >= (LEAST_VISIBLE * area).clamp(min=LEAST_PIXELS)
    pasted = torch.zeros(1, height, width, dtype=torch.bool)
    pasted[:, *window] = shape
    return Example(image, torch.cat([masks[visible], pasted]))


def step_examples(
    pseudo: list[PseudoMasks], size: int, config: DistilConfig, rng: np.random.Generator
) -> list[Example]:
    """The examples of a step; those with pasted instances take them from their neighbours in the batch."""
    examples = [read_example(one, size, bool(rng.integers(2))) for one in pseudo]
    pasted = []
    for number, example in enumerate(examples):
        if rng.uniform() < config.paste_share:
            for source in rng.permutation(len(examples))[: int(rng.integers(1, 4))]:
                if source != number:
                    example = paste(example, examples[source], rng)
        pasted.append(example)
    return pasted


def _resized(
    values: Float[Tensor, "channel h w"], size: tuple[int, int]
) -> Float[Tensor, "channel rows columns"]:
    return F.interpolate(values[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
