"""A finished feature cache, and its rows as a dataset."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16
from torch import Tensor
from torch.utils.data import Dataset


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


class FeatureDataset(Dataset[Float16[Tensor, "patch dim"]]):
    """The rows of a cache, mapped from disk: it may be larger than memory, and a batch is gathered in one copy.

    Example:
        ``DataLoader(FeatureDataset(cache), batch_size=32, collate_fn=lambda batch: batch)`` gives batches of
        (batch, patch, dim) in half precision.
    """

    def __init__(self, cache: FeatureCache) -> None:
        shape = (len(cache.photographs), cache.grid[0] * cache.grid[1], cache.dim)
        # Read-only: a private mapping that could be written must fit in memory.
        self.rows = np.memmap(cache.file, np.float16, "r", shape=shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Float16[Tensor, "patch dim"]:
        """One photograph's features."""
        return torch.from_numpy(np.array(self.rows[index]))

    def __getitems__(self, indices: list[int]) -> Float16[Tensor, "batch patch dim"]:
        """A whole batch; the DataLoader asks for it where it is there."""
        return torch.from_numpy(np.asarray(self.rows[indices]))
