"""Features less the training photographs' mean, over one standard deviation.

Backbones add to every patch what all patches share, and one layer's features may be ten times as long as another's. The
mean is most of what two unlike patches have in common, and their cosine without it tells them apart.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

LEAST_DEVIATION = 1e-6


class Standardise(nn.Module):
    """One mean a dimension and one scale for all, kept with the weights; what it was not told leaves features alone.

    Args:
        dim: Length of a feature.

    Example:
        >>> standardise = Standardise(2)
        >>> standardise.measure([torch.tensor([[[1.0, 5.0], [3.0, 1.0]]])])
        >>> standardise(torch.tensor([[[2.0, 3.0], [2.0, 4.0]]])).round(decimals=2)
        tensor([[[0.0000, 0.0000],
                 [0.0000, 0.6300]]])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("deviation", torch.ones(()))

    def measure(self, batches: Iterable[Float[Tensor, "_ patch dim"]]) -> None:
        """Take the mean and the standard deviation (over patches and dimensions) of some photographs' features."""
        count, total = 0, torch.zeros(self.mean.shape, dtype=torch.float64)
        squares = torch.zeros((), dtype=torch.float64)
        for batch in batches:
            patches = batch.flatten(0, 1).double()
            count += len(patches)
            total += patches.sum(0)
            squares += patches.square().sum()
        mean = total / count
        variance = squares / (count * len(mean)) - mean.square().mean()
        self.mean.copy_(mean)
        self.deviation.copy_(variance.sqrt().clamp(min=LEAST_DEVIATION))

    def forward(self, features: Float[Tensor, "batch patch dim"]) -> Float[Tensor, "batch patch dim"]:
        """Standardised features, in full precision."""
        return (features.float() - self.mean) / self.deviation
