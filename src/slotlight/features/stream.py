"""Photographs → features, batch by batch; threads decode the next batches while one is computed."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Float16
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import CacheError, ImageError
from slotlight.files import stamp
from slotlight.images import RGBImage, read_photograph, resize, to_batch
from slotlight.parallel import map_ahead, worker_pool

AHEAD = 2
"""Batches that are decoded ahead."""


@dataclass(frozen=True)
class FeatureBatch:
    """What became of some photographs.

    Attributes:
        seen: How many they are.
        features: Of those that can be read, in order.
        failures: The others, each with its cause in one sentence.
    """

    seen: int
    features: Float16[Tensor, "batch patch dim"]
    failures: dict[Path, str]


Stamp: TypeAlias = tuple[str, int, int]
"""What `slotlight.files.stamp` gives."""


def stream_features(
    photographs: Sequence[Stamp], backbone: Backbone, *, side: int, precision: Precision, batch_size: int
) -> Generator[FeatureBatch, None, None]:
    """Features of photographs squashed to squares of ``side`` pixels, in order, in half precision.

    A photograph that has changed since it was stamped counts as one that cannot be read.

    Raises:
        CacheError: A feature is beyond half precision.
    """
    paths = [Path(name) for name, _, _ in photographs]
    grid = side // backbone.patch_size
    starts = range(0, len(paths), batch_size)
    with closing(_decode_ahead(photographs, side, batch_size)) as batches:
        for start, batch in zip(starts, batches, strict=True):
            images = [image for image in batch if not isinstance(image, ImageError)]
            features = torch.empty(0, grid * grid, backbone.dim, dtype=torch.float16)
            if images:
                features = compute_features(images, backbone, precision)
            named = zip(paths[start : start + batch_size], batch, strict=True)
            failures = {path: str(error) for path, error in named if isinstance(error, ImageError)}
            yield FeatureBatch(len(batch), features, failures)


def _decode_ahead(
    photographs: Sequence[Stamp], side: int, batch_size: int
) -> Generator[list[RGBImage | ImageError], None, None]:
    with worker_pool() as pool:
        decoded = map_ahead(
            pool, lambda photograph: _decode(photograph, side), photographs, ahead=AHEAD * batch_size
        )
        while batch := list(islice(decoded, batch_size)):
            yield batch


def _decode(photograph: Stamp, side: int) -> RGBImage | ImageError:
    path = Path(photograph[0])
    try:
        image = resize(read_photograph(path, min_side=2 * side), (side, side))
    except ImageError as error:
        return error
    if stamp(path) != photograph:
        return ImageError(f"{path} was changed while features were computed; run again to include it.")
    return image


def compute_features(
    images: list[RGBImage], backbone: Backbone, precision: Precision
) -> Float16[Tensor, "batch patch dim"]:
    """Features of images of one size, in half precision, in the processor's memory.

    Raises:
        CacheError: A feature is beyond half precision.
    """
    found = backbone.at_precision(to_batch(images, backbone.device), precision)
    features: Tensor = found.patches.half().cpu()
    if not features.isfinite().all():
        raise CacheError(f"Features of {backbone.name!r} overflow half precision; choose another layer.")
    return features
