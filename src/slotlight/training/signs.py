"""Label-free signs of slots that learn the wrong thing.

A decoder that knows every patch's place can reconstruct much without looking. Slots then learn places and cut every
photograph in the same way, or one slot takes everything and the decoder's places do the rest. Both show in the masks
of a few photographs, long before anything is measured with labels.
"""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import MaskingConfig
from slotlight.model.kmeans import kmeans
from slotlight.model.masking import masked_patches
from slotlight.model.slot_model import FusedMasks
from slotlight.tensors import rand_index

MOST_ALIKE = 1.5
"""Times as alike as clusters of the same features; slots that learnt places were 1.5 to 2 times, others 0.2 to 1.1."""

MOST_IN_ONE = 0.9
"""The share of a photograph that its largest slot may have, on average."""


@dataclass(frozen=True)
class Signs:
    """What the masks of a few photographs say of the slots.

    Attributes:
        alike: How far the partitions of different photographs agree: a mean adjusted Rand index. Photographs have much
            in common (sky above, things in the middle), so that it is not 0 for good slots.
        largest: The share of a photograph that its largest slot takes, on average.
        agreement: How far the heads agree on their slots: a mean cosine similarity.
    """

    alike: float
    largest: float
    agreement: float


def signs_of(found: FusedMasks) -> Signs:
    """The signs of some photographs' masks."""
    winners, slots = found.masks.argmax(dim=1), found.masks.shape[1]
    largest = F.one_hot(winners, slots).float().mean(dim=1).amax(dim=1).mean()
    return Signs(likeness(winners, slots), float(largest), float(found.agreement.mean()))


def likeness(winners: Int64[Tensor, "photograph patch"], slots: int) -> float:
    """How far each photograph's partition agrees with the next one's; slots may be numbered anew in each.

    Example:
        >>> import torch
        >>> likeness(torch.tensor([[0, 0, 1, 1], [1, 1, 0, 0]]), 2)
        1.0
    """
    one, next_one = F.one_hot(winners, slots), F.one_hot(winners.roll(1, dims=0), slots)
    return float(rand_index(one.mT.double() @ next_one.double()).mean())


def likeness_of_clusters(features: Float[Tensor, "photograph patch dim"], clusters: int) -> float:
    """What `likeness` is without any learning: that of k-means of the same features."""
    points = F.layer_norm(features.float(), features.shape[-1:])
    return likeness(kmeans(points, clusters).long(), clusters)


def warning_of(signs: Signs, clusters_alike: float) -> str | None:
    """What to say of slots that have collapsed; None if they have not.

    Args:
        signs: Of the slots.
        clusters_alike: `likeness_of_clusters` of the same photographs.
    """
    if signs.largest > MOST_IN_ONE:
        return (
            f"One slot takes {signs.largest:.0%} of each photograph on average: the slots have collapsed; train "
            "longer, or take masks from 'attention', start as 'kmeans' or train the objective 'partition'."
        )
    if signs.alike > MOST_ALIKE * clusters_alike:
        return (
            f"The slots cut different photographs alike (adjusted Rand index {signs.alike:.2f}; clusters of the same "
            f"features {clusters_alike:.2f}): they learn positions, not objects; stop earlier, take masks from "
            "'attention' or train the objective 'partition'."
        )
    return None


def masking_report(
    features: Float[Tensor, "photograph patch dim"],
    foreground: Float[Tensor, "photograph rows columns"],
    config: MaskingConfig,
) -> str | None:
    """What share of what the slots may not see in training; None where nothing is masked.

    A patch counts as foreground where the map is above its photograph's mean, which is one.
    """
    masked = masked_patches(features, foreground, config)
    if masked is None:
        return None
    is_foreground = foreground.flatten(1) > 1
    of_foreground, of_background = (masked[part].float().mean() for part in (is_foreground, ~is_foreground))
    sentence = (
        f"Masking hides {float(of_foreground):.0%} of the foreground and {float(of_background):.0%} of the "
        "background, as the foreground map tells them apart"
    )
    if config.kind == "background" and of_foreground >= of_background:
        return f"{sentence}: it does not hide background; try --masking.ranking foreground."
    return f"{sentence}."
