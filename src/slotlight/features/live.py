"""Features that are computed whenever they are asked for: for photographs whose cache would not fit a disk."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, tee
from pathlib import Path

from jaxtyping import Float16
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import ImageError, SlotlightError, printable
from slotlight.features.stream import AHEAD, compute_features
from slotlight.images import RGBImage, read_photograph, resize
from slotlight.parallel import WORKERS, map_ahead, worker_pool

MOST_UNREADABLE = 100
"""Photographs in a row that may be unreadable before the work is given up."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveFeatures:
    """The features of photographs, computed for each batch anew: every step costs a pass of the backbone.

    In place of a photograph that cannot be read comes the next one, and a warning.

    Attributes:
        photographs: All of them; none is opened before its turn.
        backbone: What computes the features.
        precision: Its arithmetic.
        grid: Rows and columns of patches.
        side: Photographs are squashed to squares of this many pixels.
    """

    photographs: Sequence[Path]
    backbone: Backbone
    precision: Precision
    grid: tuple[int, int]
    side: int

    def dataset(self) -> "LiveRows":
        """The features themselves."""
        return LiveRows(self)


@dataclass
class LiveRows:
    """`LiveFeatures` as a dataset; photographs are decoded in threads, ahead of the backbone."""

    features: LiveFeatures
    _warned: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.features.photographs)

    def __getitems__(self, indices: list[int]) -> Float16[Tensor, "batch patch dim"]:
        """Those of a batch."""
        return next(self.batches([indices]))

    def batches(self, order: Iterable[list[int]]) -> Iterator[Float16[Tensor, "batch patch dim"]]:
        """One batch after the other.

        Raises:
            SlotlightError: Many photographs in a row cannot be read.
            CacheError: A feature is beyond half precision.
        """
        batches, indices = tee(order)
        with worker_pool() as pool:
            images = map_ahead(pool, self._read, chain.from_iterable(indices), ahead=AHEAD * WORKERS)
            for batch in batches:
                taken = [next(images) for _ in batch]
                yield compute_features(taken, self.features.backbone, self.features.precision)

    def _read(self, index: int) -> RGBImage:
        """A photograph, or the next that can be read."""
        side, count = self.features.side, len(self)
        for number in range(min(count, MOST_UNREADABLE)):
            row = (index + number) % count
            try:
                image = read_photograph(self.features.photographs[row], min_side=2 * side)
            except ImageError as fault:
                if row not in self._warned:
                    self._warned.add(row)
                    _LOG.warning("Left out: %s", printable(str(fault)))
                continue
            return resize(image, (side, side))
        raise SlotlightError(
            f"{min(count, MOST_UNREADABLE)} photographs in a row cannot be read, from "
            f"{self.features.photographs[index]} on; check where they lie."
        )
