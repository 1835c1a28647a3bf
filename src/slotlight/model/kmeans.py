"""k-means of every image's points, a batch of images at once."""

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 30


def kmeans(
    points: Float[Tensor, "batch point dim"], num_clusters: int, *, seed: int = 0
) -> Int[Tensor, "batch point"]:
    """Cluster every image's points by Lloyd's iterations from the seeds of k-means++.

    All images share one sequence of random numbers, so an image's clusters do not depend on its batch. Of
    clusters equally near, a point joins the first. Where there are fewer different points than clusters, some
    stay empty.

    Source:
        Lloyd, 1982; Arthur and Vassilvitskii, 2007.
    """
    draws = torch.rand(num_clusters, generator=torch.Generator().manual_seed(seed))
    centres = points.take_along_dim(kmeans_plus_plus(points, draws.to(points))[..., None], dim=1)
    for _ in range(ITERATIONS):
        membership = F.one_hot(_distances(points, centres).argmin(-1), num_clusters).to(points)
        sizes = membership.sum(1)[..., None]
        means = membership.transpose(1, 2) @ points / sizes.clamp(min=1)
        centres = torch.where(sizes > 0, means, centres)
    return _distances(points, centres).argmin(-1)


def kmeans_plus_plus(
    points: Float[Tensor, "*batch point dim"], draws: Float[Tensor, "*#batch cluster"]
) -> Int64[Tensor, "*batch cluster"]:
    """Which points are the seeds: each next one is drawn with probability in proportion to its squared distance.

    Args:
        points: Of any number of images and heads.
        draws: Uniform in [0, 1), one for each seed; images that share them do not depend on their batch.

    Example:
        >>> points = torch.tensor([[0.0], [0.0], [5.0]])
        >>> kmeans_plus_plus(points, torch.tensor([0.1, 0.5]))  # of the two equal points, one alone
        tensor([0, 2])
    """
    draws = draws.expand(*points.shape[:-2], -1)
    shares = points.new_ones(points.shape[:-1])
    chosen: list[Int64[Tensor, "*batch 1"]] = []
    for draw in draws.split(1, dim=-1):
        reached = shares.cumsum(-1)
        before = reached < draw * reached[..., -1:]
        index = before.sum(-1, keepdim=True).clamp(max=points.shape[-2] - 1)
        to_newest = (points - points.take_along_dim(index[..., None], dim=-2)).square().sum(-1)
        shares = torch.minimum(shares, to_newest) if chosen else to_newest
        chosen.append(index)
    return torch.cat(chosen, dim=-1)


def _distances(
    points: Float[Tensor, "batch point dim"], centres: Float[Tensor, "batch cluster dim"]
) -> Float[Tensor, "batch point cluster"]:
    """Squared distances."""
    cross = points @ centres.transpose(1, 2)
    return points.square().sum(-1)[..., None] - 2 * cross + centres.square().sum(-1)[:, None]
