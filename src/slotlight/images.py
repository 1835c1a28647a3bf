"""A file, PIL image, array or tensor → an RGB array; its size for a backbone; arrays → a batch.

Everything that can be wrong with a photograph is found here, and said in one sentence that names it.
"""

import glob
import math
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from slotlight.errors import ImageError
from slotlight.files import claimed_parent

Photograph: TypeAlias = str | Path | Image.Image | np.ndarray | Tensor
"""What `read_photograph` takes: arrays are height × width (× channel), tensors channel × height × width."""

RGBImage: TypeAlias = UInt8[np.ndarray, "height width 3"]

EXTENSIONS = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg"),
    *(".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
MAX_ASPECT = 8.0
"""Beyond 1:8 a photograph is squashed, else one row of patches would be left of it."""

# Pillow holds some 16-bit files as int32.
_WHITE = {"uint16": 65535.0, "int32": 65535.0}

# What Pillow's decoders raise on damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)


def find_photographs(paths: Sequence[str | Path]) -> list[Path]:
    """Photographs of files, folders (recursive, sorted) and globs, each once, in a fixed order.

    Folders and globs give files with an image's extension that are not hidden; a file named by itself is
    kept whatever its name. A file that two paths lead to is one photograph. What Slotlight wrote itself (overlays,
    label maps) is no photograph.

    Raises:
        ImageError: A path that does not exist, or a folder or glob without a photograph.
    """
    by_file: dict[str, Path] = {}
    for path in paths:
        for photograph in _expand(Path(path)):
            by_file.setdefault(os.path.realpath(photograph), photograph)
    return list(by_file.values())


def _expand(path: Path) -> list[Path]:
    # What exists comes first, because `photo[1].jpg` is a good name for a file.
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = sorted(_photographs_of(path.rglob("*")))
        nothing = f"The folder {path} holds no photograph; these count: {' '.join(EXTENSIONS)}."
    elif glob.has_magic(str(path)):
        found = sorted(_photographs_of(map(Path, glob.glob(str(path), recursive=True))))  # noqa: PTH207
        nothing = f"No photograph matches {path}; quote the pattern, or name a folder."
    else:
        found, nothing = [], f"There is no file or folder {path}; check its name."
    if not found:
        raise ImageError(nothing)
    return _not_ours(found, path)


def _photographs_of(paths: Iterator[Path]) -> Iterator[Path]:
    return (p for p in paths if p.suffix.lower() in EXTENSIONS and not p.name.startswith(".") and p.is_file())


def _not_ours(found: list[Path], asked: Path) -> list[Path]:
    """Without what Slotlight wrote."""
    ours = {folder: claimed_parent(folder / "file") for folder in {path.parent for path in found}}
    kept = [path for path in found if ours[path.parent] is None]
    if not kept:
        folder = ours[found[0].parent]
        raise ImageError(
            f"{asked} gives only pictures that Slotlight wrote itself, in {folder}; name photographs."
        )
    return kept


def read_photograph(source: Photograph, *, min_side: int | None = None) -> RGBImage:
    """Read a photograph as it should be seen: upright, 8-bit RGB.

    Grey, palette and CMYK become RGB; 16-bit values are scaled to 8; of an animation the first frame is
    taken; what is transparent is laid on white. Arrays and tensors are uint8, uint16, bool, or floats in
    [0, 1].

    Args:
        source: A path, PIL image, array (height, width[, channel]) or tensor (channel, height, width).
        min_side: Where a small picture is enough: a JPEG may be decoded at a half, a quarter or an eighth,
            as long as its shorter side keeps this many pixels. Three times as fast on a large photograph.

    Raises:
        ImageError: It is missing, empty, damaged, too large to be safe, or no image.

    Example:
        >>> read_photograph(np.zeros((2, 3), np.uint8)).shape
        (2, 3, 3)
    """
    if isinstance(source, Tensor):
        return _from_array(_channels_last(source), "The tensor")
    if isinstance(source, np.ndarray):
        return _from_array(source, "The array")
    if isinstance(source, Image.Image):
        return _from_pil(source, "The PIL image")
    return _from_file(Path(source), min_side)


def _from_file(path: Path, min_side: int | None) -> RGBImage:
    try:
        if path.stat().st_size == 0:
            raise ImageError(f"{path} is empty (0 bytes); copy it again from its source.")
        with Image.open(path) as image:
            if min_side is not None:  # formats other than JPEG ignore a draft
                short = min(image.size)
                image.draft(None, (image.width * min_side // short, image.height * min_side // short))
            return _from_pil(image, str(path))
    except UnidentifiedImageError:
        raise ImageError(f"{path} is not an image, whatever its name says.") from None
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise ImageError(f"{path} has more than {limit:,} pixels; make it smaller first.") from None
    except OSError as error:  # missing, a folder, not permitted, a disk at fault
        raise ImageError(f"{path} cannot be read: {error.strerror or error}.") from None


def _from_pil(image: Image.Image, name: str) -> RGBImage:
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith(("I", "F")):  # 16 and 32 bits a pixel, which Pillow would clip to 8
            return _from_array(np.asarray(image), name)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.array(image.convert("RGB"))
    except _DAMAGED as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name} is damaged or not supported: {cause}.") from None


def _channels_last(tensor: Tensor) -> NDArray[np.generic]:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    array: NDArray[np.generic] = tensor.numpy()
    return np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _from_array(array: NDArray[np.generic], name: str) -> RGBImage:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise ImageError(
            f"{name} has shape {array.shape}; give (height, width), or 1, 3 or 4 channels, "
            "last in an array, first in a tensor."
        )
    levels = _to_8_bit(array, name)
    if levels.shape[2] == 4:
        return _from_pil(Image.fromarray(levels), name)
    return np.array(np.broadcast_to(levels, (*levels.shape[:2], 3)))


def _to_8_bit(array: NDArray[np.generic], name: str) -> UInt8[np.ndarray, "height width channel"]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    white = 1.0 if array.dtype.kind in "bf" else _WHITE.get(array.dtype.newbyteorder("=").name)
    if white is None:
        raise ImageError(f"{name} holds {array.dtype}; give uint8, uint16, bool, or floats in [0, 1].")
    share = array.astype(np.float32) / white
    if not ((share >= 0) & (share <= 1)).all():  # NaN too
        raise ImageError(f"{name} holds values outside [0, {white:g}]; scale its {array.dtype} to that.")
    levels: UInt8[np.ndarray, "height width channel"] = np.rint(share * 255).astype(np.uint8)
    return levels


def fit_size(height: int, width: int, image_size: int, patch_size: int) -> tuple[int, int]:
    """The (height, width) that a photograph of some size is resized to.

    Both are multiples of `patch_size`, at least one patch; their product is about ``image_size²``; the aspect
    ratio is kept as nearly as whole patches allow, up to `MAX_ASPECT`. So every photograph costs about the
    same.

    Example:
        >>> fit_size(375, 500, image_size=320, patch_size=16)
        (272, 368)
    """
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    rows = max(1, round(image_size / patch_size / math.sqrt(aspect)))
    columns = max(1, round(image_size / patch_size * math.sqrt(aspect)))
    return rows * patch_size, columns * patch_size


def resize(image: RGBImage, size: tuple[int, int]) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """Resize to (height, width), antialiased bicubic: the filter that DINO and its kin were trained with."""
    if image.shape[:2] == size:
        return image
    levels = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)
    # Pillow's filter, to two levels in 255, in a sixth of its time.
    small = F.interpolate(levels, size, mode="bicubic", antialias=True, align_corners=False)
    return small.squeeze(0).permute(1, 2, 0).contiguous().numpy()


def to_batch(
    images: Sequence[RGBImage], device: torch.device | str = "cpu"
) -> Float[Tensor, "batch 3 height width"]:
    """RGB arrays of one size → float32 in [0, 1] on a device, where they become floats (a quarter to move)."""
    levels = torch.from_numpy(np.stack(images)).to(device)
    return levels.permute(0, 3, 1, 2).contiguous().float().div_(255)
