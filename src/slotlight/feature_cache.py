"""Features of many photographs, computed once, on disk, memory-mapped.

A cache lives in a folder of its own, named by a hash of everything its content depends on; so what is asked decides
what is read, and a stale cache cannot be met. It holds::

    cache.json      what it is: backbone, sizes, photographs with their byte size and time of change
    progress.json   how many photographs are done, and which could not be read
    features.f16    the features, a row a readable photograph, in the photographs' order

Progress is written after the features it tells of have reached the disk, so a kill at any moment costs seconds of work.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from filelock import FileLock
from jaxtyping import Float
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import Dataset

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import CacheError, ImageError
from slotlight.images import RGBImage, fit_size, read_photograph, resize, to_batch

FLUSH_SECONDS = 5.0
"""The most work that a kill can cost."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheKey:
    """Everything that the features depend on.

    Attributes:
        backbone: `Backbone.fingerprint`: its weights, facet and layer.
        side: Photographs are squashed to squares of this many pixels, as in the paper; training wants one grid.
        grid: Rows and columns of patches.
        dim: Length of a feature.
        precision: Arithmetic of the backbone; on disk it is always half precision.
        photographs: Path, size in bytes and time of change of each.
    """

    backbone: str
    side: int
    grid: tuple[int, int]
    dim: int
    precision: Precision
    photographs: tuple[tuple[str, int, int], ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a photograph's features."""
        return self.grid[0] * self.grid[1] * self.dim * 2

    def to_json(self) -> str:
        """The text of ``cache.json``."""
        return json.dumps({"slotlight_feature_cache": 1, **asdict(self)}, indent=1)

    def digest(self) -> str:
        """The name of the cache's folder."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FeatureCache:
    """A finished cache.

    Attributes:
        file: The features, half precision.
        photographs: Those that could be read; row i is the i-th.
        skipped: Those that could not, each with its cause.
        grid: Rows and columns of patches.
        dim: Length of a feature.
        side: The photographs were squashed to squares of this many pixels.
    """

    file: Path
    photographs: list[Path]
    skipped: dict[Path, str]
    grid: tuple[int, int]
    dim: int
    side: int


class FeatureDataset(Dataset[Float[Tensor, "patch dim"]]):
    """The rows of a cache, mapped from disk: it may be larger than memory, and a batch is gathered in one copy.

    Example:
        ``DataLoader(FeatureDataset(cache), batch_size=32, collate_fn=lambda batch: batch)`` gives batches of
        (batch, patch, dim) in half precision.
    """

    def __init__(self, cache: FeatureCache) -> None:
        shape = (len(cache.photographs), cache.grid[0] * cache.grid[1], cache.dim)
        size = shape[0] * shape[1] * shape[2]
        self.features = torch.from_file(str(cache.file), size=size, dtype=torch.float16).view(shape)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Float[Tensor, "patch dim"]:
        """One photograph's features, not copied."""
        return self.features[index]

    def __getitems__(self, indices: list[int]) -> Float[Tensor, "batch patch dim"]:
        """A whole batch; the DataLoader asks for it where it is there."""
        return self.features[torch.tensor(indices)]


@dataclass
class _Progress:
    """How many photographs are done, and the causes of those that could not be read."""

    seen: int
    skipped: dict[str, str]

    def note(self, path: Path, result: RGBImage | ImageError) -> None:
        self.seen += 1
        if isinstance(result, ImageError):
            self.skipped[str(path)] = str(result)


def cache_features(
    photographs: Sequence[Path],
    folder: Path,
    backbone: Backbone,
    *,
    image_size: int,
    batch_size: int = 16,
    precision: Precision = "fp32",
) -> FeatureCache:
    """Compute the features of photographs, or find them computed; go on where a killed run stopped.

    Photographs that cannot be read are named, recorded and left out. While one process computes, others that
    ask for the same cache wait for it.

    Args:
        photographs: Files, in the order that rows will have.
        folder: Where caches live; each has a folder of its own in it.
        backbone: What computes the features.
        image_size: Photographs are squashed to a square of about this side, a multiple of the patch size.
        batch_size: Photographs computed at once.
        precision: Arithmetic of the backbone.

    Raises:
        CacheError: It does not fit on the disk, cannot be written, or is damaged; or no photograph can be read.
    """
    grid = square_grid(image_size, backbone.patch_size)
    stamps = tuple(_stamp(path) for path in photographs)
    side = grid[0] * backbone.patch_size
    key = CacheKey(backbone.fingerprint(), side, grid, backbone.dim, precision, stamps)
    home = folder / key.digest()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "lock"):
            progress = _open(home, key)
            if progress.seen < len(photographs):
                _compute(home, key, progress, backbone, batch_size)
    except OSError as error:
        raise CacheError(f"The feature cache {home} cannot be written: {error.strerror or error}.") from error
    return _finished(home, key, progress)


def square_grid(image_size: int, patch_size: int) -> tuple[int, int]:
    """Rows and columns of patches of the square that photographs are squashed to."""
    height, width = fit_size(image_size, image_size, image_size, patch_size)
    return height // patch_size, width // patch_size


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:  # reading it will say why, in its turn
        return str(path.absolute()), -1, -1
    return str(path.absolute()), stat.st_size, stat.st_mtime_ns


def _open(home: Path, key: CacheKey) -> _Progress:
    """How far the cache in a folder is; begins it where there is none."""
    if not (home / "cache.json").exists():
        _write_atomically(home / "progress.json", json.dumps(asdict(_Progress(0, {}))))
        (home / "features.f16").touch()
        _write_atomically(home / "cache.json", key.to_json())
    try:
        progress = _Progress(**json.loads((home / "progress.json").read_text()))
        rows = progress.seen - len(progress.skipped)
        sound = (home / "cache.json").read_text() == key.to_json() and progress.seen <= len(key.photographs)
        sound = sound and (home / "features.f16").stat().st_size >= rows * key.row_bytes
    except (OSError, ValueError, TypeError):
        sound = False
    if not sound:
        raise CacheError(f"The feature cache {home} is damaged or not one; delete that folder and run again.")
    return progress


def _compute(home: Path, key: CacheKey, progress: _Progress, backbone: Backbone, batch_size: int) -> None:
    written = (progress.seen - len(progress.skipped)) * key.row_bytes
    _announce(home, key, progress.seen, written)
    paths = [Path(name) for name, _, _ in key.photographs]
    with (home / "features.f16").open("r+b") as file, _bar() as bar:
        file.truncate(written)  # what a kill left behind its last record
        file.seek(written)
        task = bar.add_task("features", total=len(paths), completed=progress.seen)
        recorded = time.monotonic()
        with closing(_decode_ahead(paths[progress.seen :], key.side, batch_size)) as batches:
            for batch in batches:
                _append(file, [image for image in batch if not isinstance(image, ImageError)], backbone, key)
                for path, result in zip(paths[progress.seen :][: len(batch)], batch, strict=True):
                    progress.note(path, result)
                bar.update(task, completed=progress.seen)
                if time.monotonic() - recorded >= FLUSH_SECONDS or progress.seen == len(paths):
                    _record(home, file, progress)
                    recorded = time.monotonic()


def _announce(home: Path, key: CacheKey, seen: int, written: int) -> None:
    needed = (len(key.photographs) - seen) * key.row_bytes
    free = shutil.disk_usage(home).free
    what = f"Features of {len(key.photographs):,} photographs take {decimal(written + needed)}"
    if needed > free:
        raise CacheError(
            f"{what}, but {home} has only {decimal(free)} free; free some space or choose another folder."
        )
    done = f" ({seen:,} are there)" if seen else ""
    Console(stderr=True).print(f"{what} in {home}{done}.", highlight=False, soft_wrap=True)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _decode_ahead(
    paths: list[Path], side: int, batch_size: int
) -> Generator[list[RGBImage | ImageError], None, None]:
    """Batches of decoded photographs, in order; threads decode the next two while one is computed."""
    pending: deque[list[Future[RGBImage | ImageError]]] = deque()
    with ThreadPoolExecutor(thread_name_prefix="decode") as pool:
        for start in range(0, len(paths), batch_size):
            pending.append([pool.submit(_decode, path, side) for path in paths[start : start + batch_size]])
            if len(pending) > 2:
                yield [future.result() for future in pending.popleft()]
        while pending:
            yield [future.result() for future in pending.popleft()]


def _decode(path: Path, side: int) -> RGBImage | ImageError:
    try:
        return resize(read_photograph(path, min_side=2 * side), (side, side))
    except ImageError as error:
        return error


def _append(file: BinaryIO, images: list[RGBImage], backbone: Backbone, key: CacheKey) -> None:
    if not images:
        return
    device = backbone.device
    with torch.autocast(device.type, torch.bfloat16, enabled=key.precision == "bf16"):
        features = backbone(to_batch(images, device)).patches.half().cpu()
    if not features.isfinite().all():
        raise CacheError(f"Features of {backbone.name!r} do not fit half precision; choose another layer.")
    file.write(features.numpy().data)


def _record(home: Path, file: BinaryIO, progress: _Progress) -> None:
    file.flush()
    os.fsync(file.fileno())
    _write_atomically(home / "progress.json", json.dumps(asdict(progress), indent=1))


def _write_atomically(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)


def _finished(home: Path, key: CacheKey, progress: _Progress) -> FeatureCache:
    kept = [Path(name) for name, _, _ in key.photographs if name not in progress.skipped]
    for cause in progress.skipped.values():
        _LOG.warning("Left out: %s", cause)
    if not kept:
        raise CacheError(f"None of {len(key.photographs):,} photographs can be read; name others.")
    skipped = {Path(name): cause for name, cause in progress.skipped.items()}
    return FeatureCache(home / "features.f16", kept, skipped, key.grid, key.dim, key.side)
