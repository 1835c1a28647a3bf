"""k-means of every image's points, a batch of images at once."""

import torch
from jaxtyping import Float, Int
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
    centres = _seeds(points, num_clusters, seed)
    for _ in range(ITERATIONS):
        membership = F.one_hot(_distances(points, centres).argmin(-1), num_clusters).to(points)
        sizes = membership.sum(1)[..., None]
        means = membership.transpose(1, 2) @ points / sizes.clamp(min=1)
        centres = torch.where(sizes > 0, means, centres)
    return _distances(points, centres).argmin(-1)


def _seeds(
    points: Float[Tensor, "batch point dim"], num_clusters: int, seed: int
) -> Float[Tensor, "batch cluster dim"]:
    """k-means++: each next centre is a point drawn with probability in proportion to its squared distance."""
    draws = torch.rand(num_clusters, generator=torch.Generator().manual_seed(seed))
    shares = points.new_ones(points.shape[:2])
    centres: list[Float[Tensor, "batch 1 dim"]] = []
    for draw in draws.tolist():
        reached = shares.cumsum(1)
        index = torch.searchsorted(reached, draw * reached[:, -1:]).clamp(max=points.shape[1] - 1)
        centres.append(points.take_along_dim(index[..., None], dim=1))
        to_newest = (points - centres[-1]).square().sum(-1)
        shares = to_newest if len(centres) == 1 else torch.minimum(shares, to_newest)
    return torch.cat(centres, dim=1)


def _distances(
    points: Float[Tensor, "batch point dim"], centres: Float[Tensor, "batch cluster dim"]
) -> Float[Tensor, "batch point cluster"]:
    """Squared distances."""
    cross = points @ centres.transpose(1, 2)
    return points.square().sum(-1)[..., None] - 2 * cross + centres.square().sum(-1)[:, None]
