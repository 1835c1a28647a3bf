"""Which head learns from which image of a batch, and which part of a batch a process has.

Processes that share a batch draw the same numbers, for all of it, and each takes those of its own images; so they learn
what one process would have learnt, to rounding.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """A process's part of a batch: the images ``rank``, ``rank + world`` and so on.

    Attributes:
        rank: Which process.
        world: How many there are; all have equally many images.

    Example:
        >>> Share(1, 2).of(torch.arange(6)).tolist()
        [1, 3, 5]
    """

    rank: int = 0
    world: int = 1

    def of(self, drawn: Tensor, dim: int = 0) -> Tensor:
        """This process's part of what was drawn for the images along a dimension."""
        return drawn if self.world == 1 else drawn.movedim(dim, 0)[self.rank :: self.world].movedim(0, dim)

    def places(self, batch: int, device: torch.device) -> Int64[Tensor, " batch"]:
        """Where this process's ``batch`` images are in the whole batch."""
        return torch.arange(batch, device=device) * self.world + self.rank


ALONE = Share()


@dataclass(frozen=True)
class HeadAssignment:
    """Which head learns from which image: pair i is image ``image[i]``, the ``place[i]``-th of head ``head[i]``.

    Attributes:
        table: Every head's images, padded with repeated ones to equal numbers.
        image: See above.
        head: See above.
        place: See above.
        pair: The number of each pair among those of the whole batch.
    """

    table: Int64[Tensor, "head place"]
    image: Int64[Tensor, " batch"]
    head: Int64[Tensor, " batch"]
    place: Int64[Tensor, " batch"]
    pair: Int64[Tensor, " batch"]


def assign_heads(batch: int, heads: int, device: torch.device, share: Share = ALONE) -> HeadAssignment:
    """Assign a batch's images to the heads, evenly and at random; each image goes to one head.

    The release computes every head and trains one drawn for the whole batch. Here every head learns at every step
    (as long as the batch has an image for each), for a ``heads``-th of the slot work.

    Args:
        batch: Images that this process has.
        heads: How many there are.
        device: Of what is drawn.
        share: Which of the whole batch's images they are.
    """
    whole = batch * share.world
    rounds = -(-whole // heads)
    head_order = torch.randperm(heads, device=device)
    image = torch.randperm(whole, device=device)
    pair = torch.arange(rounds * heads, device=device)
    table = torch.empty(heads, rounds, dtype=torch.int64, device=device)
    table[head_order[pair % heads], pair // heads] = image[pair % whole]
    mine = pair[:whole]
    if share.world > 1:  # sorted, not selected: a selection would wait for the device
        mine = (image % share.world != share.rank).int().argsort(stable=True)[:batch]
        table = torch.where(table % share.world == share.rank, table // share.world, 0)
        image = image // share.world
    return HeadAssignment(table, image[mine], head_order[mine % heads], mine // heads, mine)
