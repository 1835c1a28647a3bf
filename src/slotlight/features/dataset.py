"""Features of photographs, wherever they come from; a finished cache, and its rows as a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float16
from torch import Tensor
from torch.utils.data import Dataset


@runtime_checkable
class FeatureRows(Protocol):
    """Features by the number of their photograph."""

    def __len__(self) -> int: ...

    def __getitems__(self, indices: list[int]) -> Float16[Tensor, "batch patch dim"]:
        """Those of a batch."""
        ...

    def batches(self, order: Iterable[list[int]]) -> Iterator[Float16[Tensor, "batch patch dim"]]:
        """Those of one batch after the other."""
        ...


@runtime_checkable
class Features(Protocol):
    """What a training learns from; see `FeatureCache` for the attributes."""

    @property
    def photographs(self) -> Sequence[Path]:
        """Each once."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        ...

    @property
    def side(self) -> int:
        """Pixels of the squares that photographs are squashed to."""
        ...

    def dataset(self) -> FeatureRows:
        """The features themselves."""
        ...


@dataclass(frozen=True)
class FeatureCache:
    """A finished cache.

    Attributes:
        file: The features, half precision.
        photographs: Those that could be read.
        skipped: Those that could not, each with its cause.
        grid: Rows and columns of patches.
        dim: Length of a feature.
        side: The photographs were squashed to squares of this many pixels.
        rows: The row of each photograph in the file; without them, that of the i-th is i.
    """

    file: Path
    photographs: list[Path]
    skipped: dict[Path, str]
    grid: tuple[int, int]
    dim: int
    side: int
    rows: tuple[int, ...] = ()

    def dataset(self) -> "FeatureDataset":
        """Its rows."""
        return FeatureDataset(self)


class FeatureDataset(Dataset[Float16[Tensor, "patch dim"]]):
    """The rows of a cache, mapped from disk: it may be larger than memory, and a batch is gathered in one copy.

    Example:
        ``DataLoader(FeatureDataset(cache), batch_size=32, collate_fn=lambda batch: batch)`` gives batches of
        (batch, patch, dim) in half precision.
    """

    def __init__(self, cache: FeatureCache) -> None:
        self._places = np.array(cache.rows or range(len(cache.photographs)))
        shape = (int(self._places[-1]) + 1, cache.grid[0] * cache.grid[1], cache.dim)
        # Read-only: a private mapping that could be written must fit in memory.
        self._rows = np.memmap(cache.file, np.float16, "r", shape=shape)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Float16[Tensor, "patch dim"]:
        """One photograph's features."""
        return torch.from_numpy(np.array(self._rows[self._places[index]]))

    def __getitems__(self, indices: list[int]) -> Float16[Tensor, "batch patch dim"]:
        """A whole batch; the DataLoader asks for it where it is there."""
        return torch.from_numpy(np.asarray(self._rows[self._places[indices]]))

    def batches(self, order: Iterable[list[int]]) -> Iterator[Float16[Tensor, "batch patch dim"]]:
        """One batch after the other, read from the mapped file."""
        return map(self.__getitems__, order)
