"""Which photographs a step sees, and their features on the device."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float16
from torch import Tensor

from slotlight.config import TrainConfig
from slotlight.features.dataset import FeatureRows
from slotlight.model.assignment import ALONE, Share


class BatchOrder:
    """Which photographs each step sees: one random permutation after another, cut into batches.

    Args:
        count: Photographs there are.
        config: Its seed, steps and batch size.
        start: The first step.
        key: What seeds the permutation of an epoch; without it, the config's seed and the epoch.
        share: The part of every batch that the process which asks gets.

    Example:
        >>> list(BatchOrder(4, TrainConfig(steps=3, batch_size=2)))
        [[2, 0], [1, 3], [3, 0]]
    """

    def __init__(
        self,
        count: int,
        config: TrainConfig,
        *,
        start: int = 0,
        key: Callable[[int], tuple[int, ...]] | None = None,
        share: Share = ALONE,
    ) -> None:
        self.key = key or (lambda epoch: (config.seed, epoch))
        self.count, self.config, self.start, self.share = count, config, start, share

    def __len__(self) -> int:
        return self.config.steps - self.start

    def __iter__(self) -> Iterator[list[int]]:
        permutation = lru_cache(2)(
            lambda epoch: np.random.default_rng(self.key(epoch)).permutation(self.count)
        )
        size = self.config.batch_size
        for step in range(self.start, self.config.steps):
            places = range(step * size + self.share.rank, (step + 1) * size, self.share.world)
            yield [int(permutation(place // self.count)[place % self.count]) for place in places]


def read_batches(
    dataset: FeatureRows, order: Iterable[list[int]], device: torch.device
) -> Iterator[Float16[Tensor, "batch patch dim"]]:
    """The features of each batch."""
    for features in dataset.batches(order):
        if device.type == "cuda":
            features = features.pin_memory()  # so that the copy does not wait
        yield features.to(device, non_blocking=True)
