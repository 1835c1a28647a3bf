"""A photograph as a graph: its patches, joined as far as their features are alike.

Two patches of one thing may have little in common, yet be joined by a chain of patches that do. A random walk along
the graph's edges meets such chains, which slots and k-means, that hold every patch against one centre, cannot follow.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import ModelConfig

FINEST_SIDE = 20
"""Nodes along a side of the graph; finer grids are pooled, because its eigenvectors cost the cube of its nodes."""


@dataclass(frozen=True)
class PatchGraph:
    """The graphs of a batch of photographs.

    Attributes:
        points: The nodes' features, of length one.
        cosine: Of each pair of nodes.
        grid: Rows and columns of nodes.
    """

    points: Float[Tensor, "batch node dim"]
    cosine: Float[Tensor, "batch node node"]
    grid: tuple[int, int]

    def edges(self, temperature: float) -> Float[Tensor, "batch node node"]:
        """How strongly each pair of nodes is joined: exp((cos - 1) / ``temperature``)."""
        return torch.exp((self.cosine - 1) / temperature)


def node_side(grid: tuple[int, int]) -> int:
    """How many patches along each side of a node keep the graph of a grid within `FINEST_SIDE`.

    Example:
        >>> node_side((16, 16)), node_side((32, 30))
        (1, 2)
    """
    return -(-max(grid) // FINEST_SIDE)


def pooled(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], side: int
) -> tuple[Float[Tensor, "batch node dim"], tuple[int, int]]:
    """The mean features of nodes of ``side`` × ``side`` patches, and the grid of nodes.

    Example:
        >>> features, grid = pooled(torch.zeros(1, 32 * 30, 4), (32, 30), 2)
        >>> tuple(features.shape), grid
        ((1, 240, 4), (16, 15))
    """
    if side == 1:
        return features, grid
    maps = features.transpose(1, 2).unflatten(2, grid)
    coarse = F.avg_pool2d(maps, side, ceil_mode=True)
    return coarse.flatten(2).transpose(1, 2), (coarse.shape[2], coarse.shape[3])


def patch_graph(
    features: Float[Tensor, "batch patch dim"],
    grid: tuple[int, int],
    side: int,
    *,
    standardised: bool = False,
    dtype: torch.dtype = torch.float32,
) -> PatchGraph:
    """The graph of each photograph.

    Args:
        features: Of its patches.
        grid: Rows and columns of patches.
        side: Patches along each side of a node.
        standardised: Whether the features are less the mean of many photographs. Else they are taken less the
            photograph's own; then a photograph full of one thing falls into parts.
        dtype: Of points and cosines.
    """
    coarse, coarse_grid = pooled(features.float(), grid, side)
    points = coarse.to(dtype)
    if not standardised:
        points = points - points.mean(dim=1, keepdim=True)
    points = F.normalize(points, dim=-1)
    return PatchGraph(points, points @ points.mT, coarse_grid)


@torch.no_grad()
def diffused(
    features: Float[Tensor, "batch patch dim"],
    grid: tuple[int, int],
    side: int,
    steps: int,
    temperature: float,
    *,
    standardised: bool = False,
) -> Float[Tensor, "batch patch dim"]:
    """The mean feature, for each patch, of where a random walk that begins there is after some steps.

    Patches that chains of similar patches join come out alike, others apart. As wide as the features (standard
    deviation within the photograph), around zero.

    Source: diffusion maps (Coifman and Lafon, 2006), of which these are linear functions.

    Example:
        >>> hues = torch.linspace(0, 1, 18)
        >>> chain = torch.stack([hues.cos(), hues.sin(), 0 * hues], dim=1)
        >>> other = torch.tensor([0.0, 0.0, 1.0]).expand(18, 3)
        >>> found = diffused(torch.cat([chain, other])[None], (6, 6), 1, 50, 0.05)
        >>> bool(found[0, :18].std(dim=0).max() < chain.std(dim=0).max() / 5)
        True
    """
    with torch.autocast(features.device.type, enabled=False):
        graph = patch_graph(features, grid, side, standardised=standardised)
        edges = graph.edges(temperature)
        walk = edges / edges.sum(dim=-1, keepdim=True)
        points = graph.points
        for _ in range(steps):
            points = walk @ points
        maps = points.transpose(1, 2).unflatten(2, graph.grid)
        if side > 1:
            maps = F.interpolate(maps, scale_factor=side, mode="bilinear", align_corners=False)
        fine = maps[:, :, : grid[0], : grid[1]].flatten(2).transpose(1, 2)
        fine = fine - fine.mean(dim=1, keepdim=True)
        width = features.float().std(dim=(1, 2), keepdim=True, correction=0)
        walked: Tensor = fine * width / fine.std(dim=(1, 2), keepdim=True, correction=0).clamp(min=1e-6)
    return walked


def with_diffusion(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], side: int, config: ModelConfig
) -> Float[Tensor, "batch patch wider"]:
    """What the slots of a model read: the features, and beside them what diffusion makes of them, where it does so.

    Args:
        features: Of the patches.
        grid: Their rows and columns.
        side: Patches along each side of a graph's node: that of the grid on which the model was trained.
        config: The model's.
    """
    if not config.diffusion_steps:
        return features
    steps, temperature = config.diffusion_steps, config.partition_temperature
    walked = diffused(features, grid, side, steps, temperature, standardised=config.standardise)
    return torch.cat([features, walked.to(features)], dim=-1)
