"""Features of many photographs, computed once, on disk, memory-mapped.

A cache lives in a folder of its own, named by a hash of everything its content depends on; so what is asked decides
what is read, and a stale cache cannot be met. It holds::

    cache.json              what it is: backbone, sizes, photographs with their byte size and time of change
    features.f16            the features, a row a photograph, in their order; what cannot be read leaves a hole
    progress-0000000.json   of each shard, named by its first photograph: how many are done, and which cannot be read

Any number of processes that see the folder compute it together: each takes a shard that nobody is at, and all read
the one file in the end. Progress is written after the features it tells of have reached the disk, so a kill at any
moment costs seconds of work.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
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

SHARD = 1024
"""Photographs that a process computes between two looks at what the others have left."""

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
        return json.dumps({"slotlight_feature_cache": 2, **asdict(self)}, indent=1)

    def digest(self) -> str:
        """The name of the cache's folder."""
        return bytes_digest(self.to_json().encode())


@dataclass(frozen=True)
class _Progress:
    """How many photographs of a shard are done, and the causes of those that could not be read."""

    seen: int
    skipped: dict[str, str]

    def after(self, batch: FeatureBatch) -> "_Progress":
        failures = {str(path): cause for path, cause in batch.failures.items()}
        return _Progress(self.seen + batch.seen, self.skipped | failures)


@dataclass(frozen=True)
class _Shard:
    """Photographs from ``start`` to ``stop`` of a cache."""

    home: Path
    key: CacheKey
    start: int
    stop: int

    @property
    def file(self) -> Path:
        return self.home / f"progress-{self.start:07}.json"

    def progress(self) -> _Progress:
        """How far it is.

        Raises:
            CacheError: What says so is damaged.
        """
        if not self.file.exists():
            return _Progress(0, {})
        try:
            progress = _Progress(**(unsealed(self.file.read_bytes()) or {}))
        except TypeError:
            raise _damaged(self.home) from None
        if progress.seen > self.count:
            raise _damaged(self.home)
        return progress

    @property
    def count(self) -> int:
        return self.stop - self.start

    def lock(self, *, wait: bool) -> FileLock:
        """Held by the process that computes it."""
        return FileLock(self.home / f"lock-{self.start:07}", blocking=wait)


def cache_features(
    photographs: Sequence[Path],
    folder: Path,
    backbone: Backbone,
    *,
    image_size: int,
    batch_size: int = 16,
    precision: Precision = "fp32",
    leads: bool = True,
) -> FeatureCache:
    """Compute the features of photographs, or find them computed; go on where a killed run stopped.

    Photographs that cannot be read are named, recorded and left out. Processes that ask for the same cache at the same
    time, on one machine or on several that share the folder, compute its shards together.

    Args:
        photographs: Files, each once, in the order that rows will have.
        folder: Where caches live; each has a folder of its own in it.
        backbone: What computes the features.
        image_size: Photographs are squashed to a square of about this side, a multiple of the patch size.
        batch_size: Photographs computed at once.
        precision: Arithmetic of the backbone.
        leads: Whether this process is the one that tells the user how far the cache is.

    Raises:
        CacheError: It does not fit on the disk, cannot be written, or is damaged; or no photograph can be read.
    """
    key = feature_key(photographs, backbone, image_size=image_size, precision=precision)
    home = folder / key.digest()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "lock"):
            shards = _open(home, key)
        progress = [shard.progress() for shard in shards]
        if any(one.seen < shard.count for one, shard in zip(progress, shards, strict=True)):
            _compute(shards, progress, backbone, batch_size, leads=leads)
    except OSError as error:
        raise CacheError(
            f"The feature cache {home} cannot be written: {error.strerror or error}; make room, and the same command "
            "resumes from there."
        ) from error
    return _finished(home, key, progress, leads=leads)


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


def _damaged(home: Path) -> CacheError:
    return CacheError(f"The feature cache {home} is damaged; delete that folder and run again.")


def _open(home: Path, key: CacheKey) -> list[_Shard]:
    """The shards of the cache in a folder, which is begun where there is none."""
    count, file = len(key.photographs), home / "features.f16"
    if not (home / "cache.json").exists():
        file.touch()
        os.truncate(file, count * key.row_bytes)
        write_text(home / "cache.json", [key.to_json()])
    try:
        text, size = (home / "cache.json").read_text(encoding="utf-8"), file.stat().st_size
    except (OSError, ValueError):
        raise _damaged(home) from None
    if text != key.to_json() or size != count * key.row_bytes:
        raise _damaged(home)
    return [_Shard(home, key, start, min(start + SHARD, count)) for start in range(0, count, SHARD)]


def _compute(
    shards: Sequence[_Shard], progress: list[_Progress], backbone: Backbone, batch_size: int, *, leads: bool
) -> None:
    """Compute all shards that others leave, then wait for theirs: a killed process's are taken over.

    ``progress``, of each shard, is kept up to date.
    """
    done = sum(one.seen for one in progress)
    _announce(shards[0].home, shards[0].key, done, leads=leads)
    total = len(shards[0].key.photographs)
    with ProgressReport("features", total, done, shown=leads) as report:
        for wait in (False, True):
            for place, shard in enumerate(shards):
                if progress[place].seen == shard.count:
                    continue
                for now in _compute_shard(shard, backbone, batch_size, wait=wait):
                    progress[place] = now
                    report.update(sum(one.seen for one in progress))


def _compute_shard(shard: _Shard, backbone: Backbone, batch_size: int, *, wait: bool) -> Iterator[_Progress]:
    """Compute what is left of a shard, unless another process is at it; how far it is."""
    try:
        with shard.lock(wait=wait):
            progress, key = shard.progress(), shard.key
            yield progress  # another process may have finished it
            left = key.photographs[shard.start + progress.seen : shard.stop]
            stream = stream_features(
                left, backbone, side=key.side, precision=key.precision, batch_size=batch_size
            )
            with (shard.home / "features.f16").open("r+b") as file, closing(stream) as batches:
                recorded = time.monotonic()
                for batch in batches:
                    _write(file, batch, key, shard.start + progress.seen)
                    progress = progress.after(batch)
                    yield progress
                    if progress.seen == shard.count or time.monotonic() - recorded >= FLUSH_SECONDS:
                        _record(shard, file, progress)
                        recorded = time.monotonic()
    except Timeout:
        return


def _write(file: BinaryIO, batch: FeatureBatch, key: CacheKey, start: int) -> None:
    """Write features to their rows, the first of which is ``start``."""
    features = batch.features.numpy()
    if not batch.failures:
        file.seek(start * key.row_bytes)
        file.write(features.data)
        return
    names = [name for name, _, _ in key.photographs[start : start + batch.seen]]
    readable = [row for row, name in enumerate(names) if Path(name) not in batch.failures]
    for row, feature in zip(readable, features, strict=True):
        file.seek((start + row) * key.row_bytes)
        file.write(feature.data)


def _announce(home: Path, key: CacheKey, done: int, *, leads: bool) -> None:
    needed = (len(key.photographs) - done) * key.row_bytes
    free = shutil.disk_usage(home).free
    total = decimal(len(key.photographs) * key.row_bytes)
    what = f"Features of {len(key.photographs):,} photographs take {total}"
    if needed > free:
        raise CacheError(
            f"{what}, but {home} has only {decimal(free)} free; free some space or choose another folder."
        )
    there = f" ({done:,} are there)" if done else ""
    if leads:
        sentence = printable(f"{what} in {home}{there}.")
        Console(stderr=True).print(sentence, highlight=False, soft_wrap=True, markup=False)


def _record(shard: _Shard, file: BinaryIO, progress: _Progress) -> None:
    file.flush()
    os.fsync(file.fileno())
    write_text(shard.file, [sealed(asdict(progress))])


def _finished(home: Path, key: CacheKey, progress: Sequence[_Progress], *, leads: bool) -> FeatureCache:
    skipped = {Path(name): cause for shard in progress for name, cause in shard.skipped.items()}
    for cause in skipped.values() if leads else ():
        _LOG.warning("Left out: %s", cause)
    named = [Path(name) for name, _, _ in key.photographs]
    rows = [row for row, path in enumerate(named) if path not in skipped]
    if not rows:
        raise CacheError(f"None of the {len(named):,} photographs can be read; give others.")
    kept = [named[row] for row in rows]
    return FeatureCache(home / "features.f16", kept, skipped, key.grid, key.dim, key.side, tuple(rows))
