"""Adjusted Rand index: how far two partitions of an image's pixels agree on which pairs belong together."""

from jaxtyping import Float
from torch import Tensor

from slotlight.metrics.confusion import Confusion
from slotlight.tensors import rand_index


def adjusted_rand_index(confusion: Confusion) -> Float[Tensor, " batch"]:
    """ARI of slots against labels over all pixels that are not void, background being a label like any other.

    Returns:
        One value an image: 1 for equal partitions, about 0 for chance. Two partitions of one part each are
        equal: 1. NaN for an image whose pixels are all void.

    Source:
        Hubert and Arabie, 1985, in the pair-counting form and with the conventions of scikit-learn's
        `adjusted_rand_score`.

    Example:
        >>> import torch
        >>> from slotlight.metrics import confusion_matrix
        >>> slots, labels = torch.tensor([[[3, 3, 0, 0]]]), torch.tensor([[[0, 0, 1, 1]]])
        >>> adjusted_rand_index(confusion_matrix(slots, labels))
        tensor([1.], dtype=torch.float64)
    """
    return rand_index(confusion.counts)


def foreground_rand_index(confusion: Confusion) -> Float[Tensor, " batch"]:
    """FG-ARI: ARI over the pixels of objects alone, whatever slots do on the background or on void pixels.

    Returns:
        One value an image. An image of one object is 1 if one slot covers it, else 0. NaN for one without
        objects.

    Source:
        MONet (Burgess et al., 2019), IODINE (Greff et al., 2019).
    """
    return rand_index(confusion.counts[..., 1:])
