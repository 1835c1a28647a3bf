"""A learned embedding for every place of a grid, which all decoders add to what they decode."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.tensors import is_exporting

Grid = tuple[int, int]
"""Rows and columns of patches."""


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
