"""What all decoders share: places of a grid, and what is decoded."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.tensors import is_exporting

Grid = tuple[int, int]


@dataclass(frozen=True)
class Decoded:
    """What a decoder makes of an image's slots.

    Attributes:
        reconstruction: The features of the decoded patches.
        masks: How much of each decoded patch each slot explains; sums to one over slots.
    """

    reconstruction: Float[Tensor, "batch patch dim"]
    masks: Float[Tensor, "batch slot patch"]


class Positions(nn.Module):
    """A learned embedding for every patch of a grid, resampled where another grid is asked for."""

    def __init__(self, grid: Grid, dim: int) -> None:
        super().__init__()
        self.grid = grid
        self.embedding = nn.Parameter(torch.randn(grid[0] * grid[1], dim) * 0.02)

    def forward(
        self, grid: Grid, patches: Int64[Tensor, " patch"] | None = None
    ) -> Float[Tensor, "patch dim"]:
        """The embeddings of a grid's patches, row by row, or of those of them that are named."""
        embedding: Tensor = self.embedding
        if is_exporting() or grid != self.grid:
            image = embedding.T.unflatten(1, self.grid).unsqueeze(0)
            image = F.interpolate(image, grid, mode="bicubic", align_corners=False)
            embedding = image.squeeze(0).flatten(1).T
        return embedding if patches is None else embedding[patches]
