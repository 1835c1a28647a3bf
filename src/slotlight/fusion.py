"""Match the heads' slots to one reference head's, and merge them.

Unusual: for up to eight slots the exact assignment of every pair of heads and every image is found at once, on
any device, without a loop or a round trip to the host. Every permutation is a choice of columns for the first
half of the rows and the rest for the second; each half's few arrangements are scored in one matrix product, the
best arrangement is kept for each choice of columns, and the two halves are joined.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import FusionKind

LARGEST_ENUMERATED = 8  # 70 choices of columns × 24 arrangements a half; from 9 on SciPy is many times faster


@dataclass(frozen=True)
class FusedSlots:
    """One set of slots an image.

    Attributes:
        slots: The merged slots, in the order of the reference head.
        heads: The heads that were merged.
        assignment: Which slot of each of these heads was merged into each slot of the reference.
        agreement: Mean cosine similarity of the merged slots with the reference's, over the other heads,
            in [−1, 1]; 1 with a single head.
    """

    slots: Float[Tensor, "batch slot dim"]
    heads: Int64[Tensor, " merged"]
    assignment: Int64[Tensor, "merged batch slot"]
    agreement: Float[Tensor, "batch slot"]

    def gather(self, values: Float[Tensor, "head batch slot patch"]) -> Float[Tensor, "batch slot patch"]:
        """Mean over the merged heads of what belongs to the slots, such as their attention, in the fused order."""
        index = self.assignment.unsqueeze(-1).expand(-1, -1, -1, values.shape[-1])
        return values[self.heads].gather(2, index).mean(dim=0)


def assign(similarity: Float[Tensor, "*batch slot slot"]) -> Int64[Tensor, "*batch slot"]:
    """The assignment of greatest total similarity: for every row, its column (the Hungarian problem).

    Exact. Up to `LARGEST_ENUMERATED` slots it runs batched on the tensor's own device; beyond, in SciPy.

    Example:
        >>> assign(torch.tensor([[0.9, 0.8], [0.7, 0.1]]))
        tensor([1, 0])
    """
    slots = similarity.shape[-1]
    exact = similarity.dtype if similarity.device.type == "mps" else torch.float64  # MPS has no float64
    flat = similarity.detach().reshape(-1, slots, slots).to(exact)
    columns = _assign_enumerated(flat) if slots <= LARGEST_ENUMERATED else _assign_scipy(flat)
    return columns.reshape(similarity.shape[:-1])


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
            ``single`` (the reference head alone, as if there were no other).
        reference: The head whose order is kept; without it, for each image the head that agrees most with
            the others, so that the result does not depend on a draw (the release draws one at random).

    Source: the paper, section III-D.
    """
    heads = torch.arange(len(slots), device=slots.device)
    if kind == "single":
        alone = heads[reference or 0].unsqueeze(0)
        return replace(fuse(slots[alone], "mean"), heads=alone)
    if kind == "mean" and reference is None:
        reference = 0  # unmatched, no head's order differs from another's
    columns, matched = _match_all(slots, kind) if reference is None else _match_one(slots, kind, reference)
    image = torch.arange(slots.shape[1], device=slots.device)
    best = _most_agreed(matched)
    assignment, matched = columns[best, :, image].transpose(0, 1), matched[best, :, image].transpose(0, 1)
    merged = slots.gather(2, assignment.unsqueeze(-1).expand_as(slots)).mean(dim=0)
    # The reference matches itself with similarity 1: leave it out of the mean.
    others = len(heads) - 1
    agreement = (matched.sum(dim=0) - 1) / others if others else torch.ones_like(matched[0])
    return FusedSlots(merged, heads, assignment, agreement)


Matches = tuple[Int64[Tensor, "reference head batch slot"], Float[Tensor, "reference head batch slot"]]


def _match_one(slots: Float[Tensor, "head batch slot dim"], kind: FusionKind, reference: int) -> Matches:
    """Every head's slots matched to one reference's: columns, and the cosine similarity of each match."""
    similarity = _cosine_similarity(slots[reference], slots)
    columns = _columns(similarity, kind)
    return columns.unsqueeze(0), similarity.gather(-1, columns.unsqueeze(-1)).squeeze(-1).unsqueeze(0)


def _match_all(slots: Float[Tensor, "head batch slot dim"], kind: FusionKind) -> Matches:
    """Every head's slots matched to every head's; each pair of heads once, its reverse by inversion."""
    heads, batch, count, _ = slots.shape
    one, other = torch.triu_indices(heads, heads, offset=1, device=slots.device)
    similarity = _cosine_similarity(slots[one], slots[other])  #  (pair, batch, slot, slot)
    forth = _columns(similarity, kind)
    back = forth.argsort(dim=-1)
    pair_matched = similarity.gather(-1, forth.unsqueeze(-1)).squeeze(-1)
    columns = torch.arange(count, device=slots.device).repeat(heads, heads, batch, 1)
    matched = similarity.new_ones(heads, heads, batch, count)
    columns[one, other], columns[other, one] = forth, back
    matched[one, other], matched[other, one] = pair_matched, pair_matched.gather(-1, back)
    return columns, matched


def _cosine_similarity(
    one: Float[Tensor, "*batch slot dim"], other: Float[Tensor, "*more slot dim"]
) -> Float[Tensor, "*more slot slot"]:
    """In full precision under autocast too, because it decides who is matched with whom."""
    with torch.autocast(one.device.type, enabled=False):
        return F.normalize(one, dim=-1) @ F.normalize(other, dim=-1).transpose(-1, -2)


def _most_agreed(matched: Float[Tensor, "reference head batch slot"]) -> Int64[Tensor, " batch"]:
    """The reference (of those tried) that agrees most with all heads.

    Two heads agree with each other equally: the first of them is taken, not what rounding favours.
    """
    later = torch.arange(len(matched), device=matched.device).unsqueeze(1)
    return (matched.sum(dim=(1, 3)) - 1e-4 * later).argmax(dim=0)


def _columns(similarity: Float[Tensor, "*batch slot slot"], kind: FusionKind) -> Int64[Tensor, "*batch slot"]:
    if kind == "mean":
        return torch.arange(similarity.shape[-1], device=similarity.device).expand(similarity.shape[:-1])
    return assign(similarity) if kind == "hungarian" else _assign_greedy(similarity)


@lru_cache(maxsize=8)
def _halves(slots: int) -> tuple[np.ndarray, np.ndarray]:
    """For each choice of columns, the arrangements of the first rows and of the rest: (choice, way, row)."""
    first = slots // 2
    choices = list(combinations(range(slots), first))
    rests = [[c for c in range(slots) if c not in chosen] for chosen in choices]
    upper = np.array([list(permutations(chosen)) for chosen in choices]).reshape(len(choices), -1, first)
    lower = np.array([list(permutations(rest)) for rest in rests])
    return upper, lower


def _best_ways(
    rows: Float[Tensor, "batch row slot"], ways: Int64[Tensor, "choice way row"]
) -> tuple[Float[Tensor, "batch choice"], Int64[Tensor, "batch choice"]]:
    """For each choice of columns, the best arrangement of some rows: its total and which it is."""
    picks = F.one_hot(ways.flatten(0, 1), rows.shape[-1]).flatten(1).to(rows)  #  (choice·way, row·slot)
    total, way = (rows.flatten(1) @ picks.T).unflatten(1, ways.shape[:2]).max(dim=2)
    return total, way


def _assign_enumerated(similarity: Float[Tensor, "batch slot slot"]) -> Int64[Tensor, "batch slot"]:
    slots = similarity.shape[-1]
    if slots == 1:
        return torch.zeros(similarity.shape[:2], dtype=torch.int64, device=similarity.device)
    upper, lower = (torch.from_numpy(ways).to(similarity.device) for ways in _halves(slots))
    upper_total, upper_way = _best_ways(similarity[:, : slots // 2], upper)
    lower_total, lower_way = _best_ways(similarity[:, slots // 2 :], lower)
    choice = (upper_total + lower_total).argmax(dim=1, keepdim=True)
    halves = [upper[choice, upper_way.gather(1, choice)], lower[choice, lower_way.gather(1, choice)]]
    return torch.cat(halves, dim=2).squeeze(1)


def _assign_scipy(similarity: Float[Tensor, "batch slot slot"]) -> Int64[Tensor, "batch slot"]:
    tables = similarity.cpu().numpy()
    columns = [linear_sum_assignment(table, maximize=True)[1] for table in tables]
    return torch.from_numpy(np.stack(columns)).to(similarity.device, torch.int64)


def _assign_greedy(similarity: Float[Tensor, "*batch slot slot"]) -> Int64[Tensor, "*batch slot"]:
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
