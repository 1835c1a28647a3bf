"""Frames → their objects, each with a mask, a score and a feature by which it is known again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.segments import EnlargedMasks, PixelObjects
from slotlight.errors import ConfigError
from slotlight.features.of_masks import masked_means, patch_weights
from slotlight.formats.coco import coco_annotations
from slotlight.images import RGBImage, to_batch
from slotlight.segmenter import Segmenter
from slotlight.video.reading import Frame


@dataclass(frozen=True, eq=False)
class FrameObjects:
    """The objects of one frame, best first.

    Attributes:
        frame: The frame.
        objects: Their masks, boxes and scores.
        features: The mean feature of each, less that of the whole frame, at unit length; without columns where the
            segmenter reads no features.
    """

    frame: Frame
    objects: PixelObjects
    features: Float[np.ndarray, "object dim"]

    def annotations(self) -> list[dict[str, Any]]:
        """Each object as COCO has it."""
        found = self.objects
        return coco_annotations(
            found.masks, found.boxes_xyxy, found.scores, image_id=self.frame.number, first_annotation_id=1
        )


def find_in_frames(
    discoverer: Discoverer, frames: Sequence[Frame], *, seed: int = 0
) -> Iterator[FrameObjects]:
    """Find the objects of frames of one video, each frame by itself.

    Args:
        discoverer: What finds them.
        frames: Of one size.
        seed: Of the slots' initial noise.

    Raises:
        ConfigError: The discoverer is asked for overlapping proposals, which no video can show, or for tiles.
    """
    if discoverer.rule.proposals:
        raise ConfigError("Objects of a video cannot overlap; leave --proposals out.")
    if discoverer.rule.tiles > 1:
        raise ConfigError("Frames of a video are looked at whole; leave --tiles out.")
    height, width, _ = frames[0].image.shape
    small = [discoverer.fitted(frame.image) for frame in frames]
    slots = discoverer.slots_in(small, seed)
    features = _features(discoverer.segmenter, small, slots.features)
    for number, frame in enumerate(frames):
        objects = discoverer.objects_in(slots, number, (height, width))
        masks = np.array(list(EnlargedMasks(objects.masks, (height, width))), dtype=bool)
        objects = replace(objects, masks=masks.reshape(-1, height, width))
        known_by = None if features is None else features[number]
        yield FrameObjects(frame, objects, object_features(objects.masks, known_by))


def _features(
    segmenter: Segmenter, small: Sequence[RGBImage], given: Tensor | None
) -> Float[Tensor, "batch dim rows columns"] | None:
    if given is not None:
        return given.cpu()
    if segmenter.backbone is None:
        return None
    found = segmenter.backbone(to_batch(small, segmenter.device))
    maps: Tensor = found.patches.float().transpose(1, 2).unflatten(2, found.grid)
    return maps.cpu()


def object_features(
    masks: np.ndarray, features: Float[Tensor, "dim rows columns"] | None
) -> Float[np.ndarray, "object dim"]:
    """See `FrameObjects`.

    Example:
        >>> masks = np.zeros((1, 4, 8), bool)
        >>> masks[0, :, :4] = True
        >>> object_features(masks, torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])).tolist()
        [[1.0, 0.0]]
    """
    if features is None or not len(masks):
        return np.zeros((len(masks), 0 if features is None else len(features)), np.float32)
    rows, columns = features.shape[1:]
    weights = torch.from_numpy(np.stack([patch_weights(mask, (rows, columns)) for mask in masks]))
    patches = features.flatten(1).T
    means = masked_means(patches, weights)
    found: Float[np.ndarray, "object dim"] = F.normalize(means - patches.mean(dim=0), dim=1).numpy()
    return found
