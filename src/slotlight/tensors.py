"""What several rooms know of plain tensors: a hash of weights, the agreement of two partitions."""

import hashlib
from collections.abc import Mapping

import torch
from jaxtyping import Float, Num
from torch import Tensor


def is_exporting() -> bool:
    """Whether a graph is traced for other runtimes, which know neither a photograph's size nor every operation."""
    asked = getattr(torch.compiler, "is_exporting", None)  # torch 2.6 has no such question, nor such graphs
    return bool(asked and asked())


def tensors_digest(tensors: Mapping[str, Tensor], read_as: str = "") -> str:
    """A hash of names, shapes, kinds of numbers and values, and of how they are read.

    Example:
        >>> weights = {"a": torch.ones(2)}
        >>> tensors_digest(weights) == tensors_digest({"a": torch.ones(2)})
        True
        >>> tensors_digest(weights) == tensors_digest({"a": torch.ones(2, 1)})
        False
    """
    digest = hashlib.sha256(read_as.encode())
    for key, value in sorted(tensors.items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def rand_index(counts: Num[Tensor, "batch part other"]) -> Float[Tensor, " batch"]:
    """Adjusted Rand index of two partitions, from how many elements each two parts share.

    Returns:
        1 for equal partitions, about 0 for chance. Two partitions of one part each are equal: 1. NaN where there is
        no element.

    Source:
        Hubert and Arabie, 1985, in the pair-counting form and with the conventions of scikit-learn's
        `adjusted_rand_score`.

    Example:
        >>> rand_index(torch.tensor([[[0, 2], [2, 0]], [[1, 1], [1, 1]]]))
        tensor([ 1.0000, -0.5000], dtype=torch.float64)
    """
    table = counts.double()  # whole numbers below 2^53: pairs of a 320×320 image are 10^10
    elements = table.sum((1, 2))
    together = table.square().sum((1, 2)) - elements  # ordered pairs joined in both partitions
    in_one = table.sum(2).square().sum(1) - elements
    in_other = table.sum(1).square().sum(1) - elements
    expected = in_one * in_other / (elements * (elements - 1)).clamp(min=1)
    ceiling = (in_one + in_other) / 2
    # Where no pair is joined by one partition alone, the two are equal; the quotient would be 0/0 for trivial
    # ones.
    equal = (in_one == together) & (in_other == together)
    index = torch.where(equal, 1.0, (together - expected) / (ceiling - expected))
    return index.masked_fill(elements == 0, float("nan"))
