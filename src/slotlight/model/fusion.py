"""Match the heads' slots to one reference head's, and merge them.

Unusual: for up to eight slots the best assignment of every pair of heads and every image is found at once, on any
device, without a loop over them or a round trip to the host. The best total of some rows, for every choice of as many
columns, comes from the best totals of the first half and the rest of these rows: some 500 sums for seven slots, where
there are 5,040 permutations. Totals are whole numbers whose lowest bits spell the permutation, so that the greatest
total brings its permutation along.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import FusionKind
from slotlight.tensors import is_exporting

LARGEST_BATCHED = (
    8  # slots; beyond, there are too many choices of columns, and a total does not fit in 64 bits
)
COLUMN_BITS = 3  # for each of them
VALUE_BITS = 63 - LARGEST_BATCHED * COLUMN_BITS - 3  # eight values are summed: three bits more

COSINE_SPREAD = 2.5
"""Cosines lie in [-1, 1], but for rounding."""


@dataclass(frozen=True)
class FusedSlots:
    """One set of slots an image.

    Attributes:
        slots: The merged slots, in the order of the reference head.
        heads: The heads that were merged.
        assignment: Which slot of each of these heads was merged into each slot of the reference.
        agreement: Mean cosine similarity of the merged slots with the reference's, over the other heads,
            in [−1, 1]; 1 with a single head.
        reference: The head whose order of slots is kept.
        weights: Of every head's slots in each merged one, where they are not the mean of the assigned.
    """

    slots: Float[Tensor, "batch slot dim"]
    heads: Int64[Tensor, " merged"]
    assignment: Int64[Tensor, "merged batch slot"]
    agreement: Float[Tensor, "batch slot"]
    reference: Int64[Tensor, " batch"]
    weights: Float[Tensor, "batch slot headslot"] | None = None

    def gather(self, values: Float[Tensor, "head batch slot patch"]) -> Float[Tensor, "batch slot patch"]:
        """Mean over the merged heads of what belongs to the slots, such as their attention, in the fused order.

        Where there are weights it is a weighted mean, made to sum to one over slots again.
        """
        if self.weights is None:
            return _mean_of(values, self.heads, self.assignment)
        mixed = (self.weights.to(values) @ values.transpose(0, 1).flatten(1, 2)).clamp(min=0)
        return mixed / mixed.sum(dim=1, keepdim=True).clamp(min=1e-6)


def fuse(
    slots: Float[Tensor, "head batch slot dim"],
    kind: FusionKind = "hungarian",
    *,
    reference: int | None = None,
) -> FusedSlots:
    """Merge the heads' slots into one set.

    Args:
        slots: Every head's slots.
        kind: ``hungarian`` (exact), ``greedy`` (best remaining pair first), ``mean`` (slot by slot, no matching), or
            ``single`` (the reference head alone, as if there were no other). What is ``learned`` is a module's
            (`slotlight.model.alignment`).
        reference: The head whose order is kept; without it, for each image the head that agrees most with
            the others, so that the result does not depend on a draw (the release draws one at random).

    Source: the paper, section III-D.
    """
    if kind == "learned":
        raise ValueError("Learned weights need a LearnedAlignment.")
    heads = torch.arange(len(slots), device=slots.device)
    if kind == "single":
        alone = heads[reference or 0].unsqueeze(0)
        merged_alone = fuse(slots[alone], "mean")
        return replace(merged_alone, heads=alone, reference=alone.expand(slots.shape[1]))
    if kind == "mean" and reference is None:
        reference = 0  # unmatched, no head's order differs from another's
    similarity = _cosine_similarity(slots, reference)
    columns, matched = _match_all(similarity, kind) if reference is None else _match_one(similarity[0], kind)
    image = torch.arange(slots.shape[1], device=slots.device)
    best = _most_agreed(matched)
    assignment, matched = columns[best, :, image].transpose(0, 1), matched[best, :, image].transpose(0, 1)
    merged = _mean_of(slots, heads, assignment)
    # The reference matches itself with similarity 1: leave it out of the mean.
    others = len(heads) - 1
    agreement = (matched.sum(dim=0) - 1) / others if others else torch.ones_like(matched[0])
    return FusedSlots(merged, heads, assignment, agreement, best if reference is None else best + reference)


def _cosine_similarity(
    slots: Float[Tensor, "head batch slot dim"], reference: int | None
) -> Float[Tensor, "one head batch slot slot"]:
    """Of the reference (or every head) with every head, in one product an image.

    In full precision under autocast too, because it decides who is matched with whom. Lengths are divided out of the
    few products, not of the many numbers.
    """
    by_image = slots.transpose(0, 1).flatten(1, 2)  #  (batch, head·slot, dim)
    count = slots.shape[2]
    ones = slice(None) if reference is None else slice(reference * count, (reference + 1) * count)
    with torch.autocast(by_image.device.type, enabled=False):
        products: Tensor = by_image[:, ones] @ by_image.mT  #  (batch, one·slot, head·slot)
    length = torch.linalg.vector_norm(by_image, dim=-1).clamp(min=1e-12)
    cosines = products / length[:, ones, None] / length[:, None]
    by_head: Tensor = cosines.unflatten(2, (-1, count)).unflatten(1, (-1, count))
    return by_head.permute(1, 3, 0, 2, 4)


Matches = tuple[Int64[Tensor, "reference head batch slot"], Float[Tensor, "reference head batch slot"]]


def _match_all(similarity: Float[Tensor, "head head batch slot slot"], kind: FusionKind) -> Matches:
    """Every head's slots matched to every head's; each pair of heads once, its reverse by inversion."""
    heads, _, batch, count, _ = similarity.shape
    one, other = torch.triu_indices(heads, heads, offset=1, device=similarity.device)
    forth, pair_matched = (
        part[0] for part in _match_one(similarity[one, other], kind)
    )  # of each pair of heads
    back = forth.argsort(dim=-1)
    columns = torch.arange(count, device=similarity.device).repeat(heads, heads, batch, 1)
    matched = similarity.new_ones(heads, heads, batch, count)
    columns[one, other], columns[other, one] = forth, back
    matched[one, other], matched[other, one] = pair_matched, pair_matched.gather(-1, back)
    return columns, matched


def _match_one(similarity: Float[Tensor, "head batch slot slot"], kind: FusionKind) -> Matches:
    """Every head's slots matched to one reference's: columns, and the cosine similarity of each match."""
    columns = MATCHINGS[kind](similarity)
    return columns.unsqueeze(0), similarity.gather(-1, columns.unsqueeze(-1)).squeeze(-1).unsqueeze(0)


def _most_agreed(matched: Float[Tensor, "reference head batch slot"]) -> Int64[Tensor, " batch"]:
    """The reference (of those tried) that agrees most with all heads.

    Two heads agree with each other equally: the first of them is taken, not what rounding favours.
    """
    later = torch.arange(len(matched), device=matched.device).unsqueeze(1)
    return (matched.sum(dim=(1, 3)) - 1e-4 * later).argmax(dim=0)


def _mean_of(
    values: Float[Tensor, "head batch slot dim"],
    heads: Int64[Tensor, " merged"],
    assignment: Int64[Tensor, "merged batch slot"],
) -> Float[Tensor, "batch slot dim"]:
    """Mean over some heads of what belongs to the assigned slots: looked up and added in one pass over memory."""
    _, batch, slots, _ = values.shape
    image = torch.arange(batch, device=values.device)
    first = (heads.view(-1, 1, 1) * batch + image.unsqueeze(1)) * slots
    rows = (first + assignment).permute(1, 2, 0).flatten(0, 1)
    if is_exporting():  # other runtimes have a loop for a bag
        means: Tensor = values.flatten(0, 2)[rows].mean(dim=1).unflatten(0, (batch, slots))
        return means
    total: Tensor = F.embedding_bag(rows, values.flatten(0, 2), mode="sum")
    mean: Tensor = total.div(len(heads)).unflatten(0, (batch, slots))
    return mean


def assign(
    similarity: Float[Tensor, "*batch slot slot"], *, spread: float | None = None
) -> Int64[Tensor, "*batch slot"]:
    """The assignment of greatest total similarity: for every row, its column (the Hungarian problem).

    Exact, where similarities are told apart to 2⁻³⁶ of their widest spread in a row. Up to `LARGEST_BATCHED` slots it
    runs batched on the tensor's own device; beyond, in SciPy.

    Args:
        similarity: Any finite numbers.
        spread: A bound of that spread, to take in its place; without it, it is measured.

    Example:
        >>> assign(torch.tensor([[0.9, 0.8], [0.7, 0.1]]))
        tensor([1, 0])
    """
    slots = similarity.shape[-1]
    flat = similarity.detach().reshape(-1, slots, slots)
    columns = _assign_batched(flat, spread) if slots <= LARGEST_BATCHED else _assign_scipy(flat)
    return columns.reshape(similarity.shape[:-1])


def _assign_batched(
    similarity: Float[Tensor, "batch slot slot"], spread: float | None
) -> Int64[Tensor, "batch slot"]:
    slots, device = similarity.shape[-1], similarity.device
    table = similarity.permute(1, 2, 0).contiguous()  #             (row, column, batch)
    if device.type != "mps":  # which has no float64
        table = table.double()
    below = table - table.amax(dim=1, keepdim=True)  # no assignment changes, and a small difference is kept
    values = (below * _scale(below, spread)).long()
    columns = torch.arange(slots, device=device)
    # Shifts as products, remainders and quotients below 2^24, which other runtimes compute exactly, too.
    places = 1 << COLUMN_BITS * columns.unsqueeze(1)
    spelled = (columns * places).unsqueeze(2)  # row r's column stands at bit 3r
    best: Tensor = _best_totals(values * (1 << LARGEST_BATCHED * COLUMN_BITS) + spelled)
    return (best % (places << COLUMN_BITS)).div(places, rounding_mode="floor").T


def _scale(below: Float[Tensor, "slot slot batch"], spread: float | None) -> Float[Tensor, " batch"] | float:
    """A power of two, which keeps numbers exact, that brings what lies below 0 to `VALUE_BITS`."""
    if spread is not None:
        return 2.0 ** (VALUE_BITS - math.frexp(spread)[1])
    mantissa, exponent = torch.frexp(below.amin(dim=(0, 1)))
    return torch.ldexp(torch.ones_like(mantissa), VALUE_BITS - exponent)


def _best_totals(rows: Int64[Tensor, "row slot batch"]) -> Int64[Tensor, "choice batch"]:
    """For every choice of as many columns as there are rows, in order, the greatest total of a matching."""
    count, slots, _ = rows.shape
    if count == 1:
        return rows[0]
    upper, lower = _best_totals(rows[: count // 2]), _best_totals(rows[count // 2 :])
    one, other = _splits(count, slots, rows.device)
    sums = upper.index_select(0, one.flatten()).add_(lower.index_select(0, other.flatten()))
    best: Tensor = sums.unflatten(0, one.shape).amax(dim=1)
    return best


@lru_cache(maxsize=64)
def _splits(rows: int, slots: int, device: torch.device) -> Int64[Tensor, "2 choice split"]:
    """For each choice of columns, all ways to give the first half of some rows its share, and the rest the others.

    Both shares are named by their place among all choices of that size.
    """
    first = rows // 2
    place = {
        chosen: index
        for size in {first, rows - first}
        for index, chosen in enumerate(combinations(range(slots), size))
    }
    ways = [
        [(place[one], place[tuple(c for c in chosen if c not in one)]) for one in combinations(chosen, first)]
        for chosen in combinations(range(slots), rows)
    ]
    return torch.tensor(ways, device=device).permute(2, 0, 1).contiguous()


def _assign_scipy(similarity: Float[Tensor, "batch slot slot"]) -> Int64[Tensor, "batch slot"]:
    tables = similarity.cpu().numpy()
    columns = np.array([linear_sum_assignment(table, maximize=True)[1] for table in tables], np.int64)
    return torch.from_numpy(columns.reshape(tables.shape[:2])).to(similarity.device)


def assign_greedily(similarity: Float[Tensor, "*batch slot slot"]) -> Int64[Tensor, "*batch slot"]:
    """Take the most similar pair, then the most similar of what remains, and so on (K rounds, batched)."""
    slots = similarity.shape[-1]
    left = similarity.reshape(-1, slots, slots).clone()
    columns = torch.zeros(left.shape[:2], dtype=torch.int64, device=left.device)
    batch = torch.arange(len(left), device=left.device)
    for _ in range(slots):
        row, column = torch.unravel_index(left.flatten(1).argmax(dim=1), (slots, slots))
        columns[batch, row] = column
        left[batch, row] = -torch.inf
        left[batch, :, column] = -torch.inf
    return columns.reshape(similarity.shape[:-1])


def in_order(similarity: Float[Tensor, "*batch slot slot"]) -> Int64[Tensor, "*batch slot"]:
    """Each slot with the slot of its own number: no matching."""
    return torch.arange(similarity.shape[-1], device=similarity.device).expand(similarity.shape[:-1])


MATCHINGS: dict[FusionKind, Callable[[Tensor], Tensor]] = {
    "hungarian": partial(assign, spread=COSINE_SPREAD),
    "greedy": assign_greedily,
    "mean": in_order,
}
"""From the cosine similarities of two heads' slots to the column of every row."""
