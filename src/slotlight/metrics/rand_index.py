"""Adjusted Rand index: how far two partitions of an image's pixels agree on which pairs belong together."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from slotlight.metrics.confusion import Confusion


def adjusted_rand_index(confusion: Confusion) -> Float[Tensor, " batch"]:
    """ARI of slots against labels over all pixels that are not void, background being a label like any other.

    Returns:
        One value an image: 1 for equal partitions, about 0 for chance. Two partitions of one part each are
        equal: 1. NaN for an image whose pixels are all void.

    Source:
        Hubert and Arabie, 1985, in the pair-counting form and with the conventions of scikit-learn's
        `adjusted_rand_score`.

    Example:
        >>> from slotlight.metrics import confusion_matrix
        >>> slots, labels = torch.tensor([[[3, 3, 0, 0]]]), torch.tensor([[[0, 0, 1, 1]]])
        >>> adjusted_rand_index(confusion_matrix(slots, labels))
        tensor([1.], dtype=torch.float64)
    """
    return _adjusted_rand_index(confusion.counts)


def foreground_rand_index(confusion: Confusion) -> Float[Tensor, " batch"]:
    """FG-ARI: ARI over the pixels of objects alone, whatever slots do on the background or on void pixels.

    Returns:
        One value an image. An image of one object is 1 if one slot covers it, else 0. NaN for one without
        objects.

    Source:
        MONet (Burgess et al., 2019), IODINE (Greff et al., 2019).
    """
    return _adjusted_rand_index(confusion.counts[..., 1:])


def _adjusted_rand_index(counts: Int[Tensor, "batch slot label"]) -> Float[Tensor, " batch"]:
    table = counts.double()  # whole numbers below 2^53: pairs of a 320×320 image are 10^10
    pixels = table.sum((1, 2))
    together = table.square().sum((1, 2)) - pixels  # ordered pairs joined in both partitions
    in_slots = table.sum(2).square().sum(1) - pixels
    in_labels = table.sum(1).square().sum(1) - pixels
    all_pairs = pixels * (pixels - 1)
    expected = in_slots * in_labels / all_pairs.clamp(min=1)
    ceiling = (in_slots + in_labels) / 2
    # Where no pair is joined by one partition alone, the two are equal; the quotient would be 0/0 for trivial
    # ones.
    equal = (in_slots == together) & (in_labels == together)
    index = torch.where(equal, 1.0, (together - expected) / (ceiling - expected))
    return index.masked_fill(pixels == 0, float("nan"))
