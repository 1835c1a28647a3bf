"""Agreement as a training signal: what independent heads agree on is a label for each of them.

Heads begin apart and see nothing of one another. Where most of them give a patch to the same thing, that is more likely
right than what one head finds, and each learns it; where they disagree nobody is taught. This is Slotlight's own.
"""

from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional as F

from slotlight.model.fusion import fuse

LEAST_SHARE = 0.75
"""Of the heads, that must give a patch to the same slot."""


def agreed_labels(
    attention: Float[Tensor, "head batch slot patch"],
) -> tuple[Int64[Tensor, "batch patch"], Bool[Tensor, "batch patch"], Int64[Tensor, "head batch slot"]]:
    """Which slot most heads give each patch to, whether enough of them do, and each head's slot of that number.

    Heads are matched by what their slots cover, to the head that agrees most with the others.

    Example:
        >>> one = torch.tensor([[[0.9, 0.9, 0.2, 0.6], [0.1, 0.1, 0.8, 0.4]]])  # two slots, four patches
        >>> other = torch.tensor([[[0.1, 0.1, 0.9, 0.7], [0.9, 0.9, 0.1, 0.3]]])  # the slots the other way round
        >>> labels, certain, slot = agreed_labels(torch.stack([one, other]))
        >>> labels[0, :3].tolist(), certain[0].tolist(), slot[:, 0].tolist()
        ([0, 0, 1], [True, True, True, False], [[0, 1], [1, 0]])
    """
    heads, _, slots, _ = attention.shape
    fused = fuse(attention.detach().float())
    matched = attention.take_along_dim(fused.assignment.unsqueeze(-1), dim=2)
    votes = F.one_hot(matched.argmax(dim=2), slots).sum(dim=0)  #  (batch, patch, slot)
    most, labels = votes.max(dim=2)
    return labels, most >= LEAST_SHARE * heads, fused.assignment


def agreement_loss(
    attention: Float[Tensor, "head batch slot patch"], hidden: Bool[Tensor, "batch patch"] | None = None
) -> Float[Tensor, ""]:
    """Cross entropy of every head's attention with what most heads agree on, where they do.

    Args:
        attention: Of every head in every image.
        hidden: Patches that the slots did not see; they do not count.
    """
    labels, certain, assignment = agreed_labels(attention)
    matched = attention.take_along_dim(assignment.unsqueeze(-1), dim=2)
    target = labels.expand(len(attention), -1, -1).unsqueeze(2)
    likelihood = matched.gather(2, target).squeeze(2)
    counted = certain if hidden is None else certain & ~hidden
    loss = -likelihood.clamp(min=1e-6).log().mean(dim=0)
    return (loss * counted).sum() / counted.sum().clamp(min=1)
