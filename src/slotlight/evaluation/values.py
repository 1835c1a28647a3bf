"""Everything measured of one model under one protocol, before it is summarised."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols import Pool
from slotlight.evaluation.statistics import bootstrap_weights


@dataclass(frozen=True)
class Values:
    """Everything measured of one model under one protocol.

    Attributes:
        model: Its name.
        is_floor: Whether it stands for comparison.
        seeds: For each seed every photograph's values, by its place in the dataset; the same photographs for all.
        pool: How the protocol's pooled metrics are computed, if it has any.
    """

    model: str
    is_floor: bool
    seeds: tuple[dict[int, Measured], ...]
    pool: Pool | None = None

    def matrix(self, metric: str) -> Float[np.ndarray, "seed image"]:
        """One metric's values; NaN where undefined."""
        return np.array([[image.values[metric] for image in seed.values()] for seed in self.seeds])

    @cached_property
    def pooled(self) -> list[dict[str, float]]:
        """The pooled metrics of each seed."""
        return [self.pool.estimates(list(seed.values())) for seed in self.seeds] if self.pool else []

    @cached_property
    def pooled_draws(self) -> dict[str, Float[np.ndarray, " draw"]]:
        """The pooled metrics, mean over seeds, of photographs drawn again and again."""
        if self.pool is None:
            return {}
        weights = bootstrap_weights(len(self.seeds[0]))
        draws = [self.pool.weighted(list(seed.values()), weights) for seed in self.seeds]
        return mean_of(draws)


def mean_of(draws: Sequence[dict[str, Float[np.ndarray, " draw"]]]) -> dict[str, Float[np.ndarray, " draw"]]:
    """Each metric's mean over seeds."""
    return {metric: np.asarray(np.mean([seed[metric] for seed in draws], axis=0)) for metric in draws[0]}
