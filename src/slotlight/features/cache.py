"""Features of many photographs, computed once, on disk, memory-mapped.

A cache lives in a folder of its own, named by a hash of everything its content depends on; so what is asked decides
what is read, and a stale cache cannot be met. It holds::

    cache.json      what it is: backbone, sizes, photographs with their byte size and time of change
    progress.json   how many photographs are done, and which could not be read
    features.f16    the features, a row a readable photograph, in the photographs' order

Progress is written after the features it tells of have reached the disk, so a kill at any moment costs seconds of work.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock
from rich.console import Console
from rich.filesize import decimal

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import CacheError, printable
from slotlight.features.dataset import FeatureCache
from slotlight.features.stream import FeatureBatch, stream_features
from slotlight.files import bytes_digest, sealed, stamp, unsealed, write_text
from slotlight.images import fit_size
from slotlight.progress import ProgressReport

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
        return bytes_digest(self.to_json().encode())


@dataclass(frozen=True)
class _Progress:
    """How many photographs are done, and the causes of those that could not be read."""

    seen: int
    skipped: dict[str, str]

    @property
    def rows(self) -> int:
        return self.seen - len(self.skipped)

    def after(self, batch: FeatureBatch) -> "_Progress":
        failures = {str(path): cause for path, cause in batch.failures.items()}
        return _Progress(self.seen + batch.seen, self.skipped | failures)


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
        photographs: Files, each once, in the order that rows will have.
        folder: Where caches live; each has a folder of its own in it.
        backbone: What computes the features.
        image_size: Photographs are squashed to a square of about this side, a multiple of the patch size.
        batch_size: Photographs computed at once.
        precision: Arithmetic of the backbone.

    Raises:
        CacheError: It does not fit on the disk, cannot be written, or is damaged; or no photograph can be read.
    """
    key = feature_key(photographs, backbone, image_size=image_size, precision=precision)
    home = folder / key.digest()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "lock"):
            progress = _open(home, key)
            if progress.seen < len(key.photographs):
                progress = _compute(home, key, progress, backbone, batch_size)
    except OSError as error:
        raise CacheError(
            f"The feature cache {home} cannot be written: {error.strerror or error}; make room, and the same command "
            "resumes from there."
        ) from error
    return _finished(home, key, progress)


def feature_key(
    photographs: Sequence[Path], backbone: Backbone, *, image_size: int, precision: Precision
) -> CacheKey:
    """What the features of photographs depend on; nothing is computed, no photograph is opened."""
    grid = square_grid(image_size, backbone.patch_size)
    side = grid[0] * backbone.patch_size
    stamps = tuple(stamp(path) for path in dict.fromkeys(photographs))
    return CacheKey(backbone.fingerprint(), side, grid, backbone.dim, precision, stamps)


def square_grid(image_size: int, patch_size: int) -> tuple[int, int]:
    """Rows and columns of patches of the square that photographs are squashed to."""
    height, width = fit_size(image_size, image_size, image_size, patch_size)
    return height // patch_size, width // patch_size


def _open(home: Path, key: CacheKey) -> _Progress:
    """How far the cache in a folder is; begins it where there is none."""
    if not (home / "cache.json").exists():
        write_text(home / "progress.json", [sealed(asdict(_Progress(0, {})))])
        (home / "features.f16").touch()
        write_text(home / "cache.json", [key.to_json()])
    try:
        progress = _Progress(**(unsealed((home / "progress.json").read_bytes()) or {}))
        usable = (home / "cache.json").read_text() == key.to_json() and progress.seen <= len(key.photographs)
        usable = usable and (home / "features.f16").stat().st_size >= progress.rows * key.row_bytes
    except (OSError, ValueError, TypeError):
        usable = False
    if not usable:
        raise CacheError(f"The feature cache {home} is damaged; delete that folder and run again.")
    return progress


def _compute(
    home: Path, key: CacheKey, progress: _Progress, backbone: Backbone, batch_size: int
) -> _Progress:
    _announce(home, key, progress)
    total, left = len(key.photographs), key.photographs[progress.seen :]
    stream = stream_features(left, backbone, side=key.side, precision=key.precision, batch_size=batch_size)
    with (
        (home / "features.f16").open("r+b") as file,
        ProgressReport("features", total, progress.seen) as report,
        closing(stream) as batches,
    ):
        file.truncate(progress.rows * key.row_bytes)  # what a kill left behind its last record
        file.seek(0, os.SEEK_END)
        recorded = time.monotonic()
        for batch in batches:
            file.write(batch.features.numpy().data)
            progress = progress.after(batch)
            report.update(progress.seen)
            if time.monotonic() - recorded >= FLUSH_SECONDS or progress.seen == total:
                _record(home, file, progress)
                recorded = time.monotonic()
    return progress


def _announce(home: Path, key: CacheKey, progress: _Progress) -> None:
    needed = (len(key.photographs) - progress.seen) * key.row_bytes
    free = shutil.disk_usage(home).free
    total = decimal(progress.rows * key.row_bytes + needed)
    what = f"Features of {len(key.photographs):,} photographs take {total}"
    if needed > free:
        raise CacheError(
            f"{what}, but {home} has only {decimal(free)} free; free some space or choose another folder."
        )
    done = f" ({progress.seen:,} are there)" if progress.seen else ""
    sentence = printable(f"{what} in {home}{done}.")
    Console(stderr=True).print(sentence, highlight=False, soft_wrap=True, markup=False)


def _record(home: Path, file: BinaryIO, progress: _Progress) -> None:
    file.flush()
    os.fsync(file.fileno())
    write_text(home / "progress.json", [sealed(asdict(progress))])


def _finished(home: Path, key: CacheKey, progress: _Progress) -> FeatureCache:
    kept = [Path(name) for name, _, _ in key.photographs if name not in progress.skipped]
    for cause in progress.skipped.values():
        _LOG.warning("Left out: %s", cause)
    if not kept:
        raise CacheError(f"None of the {len(key.photographs):,} photographs can be read; give others.")
    skipped = {Path(name): cause for name, cause in progress.skipped.items()}
    return FeatureCache(home / "features.f16", kept, skipped, key.grid, key.dim, key.side)
