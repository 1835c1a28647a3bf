"""k-means of every image's points, a batch of images at once."""

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 30
ROUNDING = 2e-6
"""Of a point's square: a squared distance below is rounding, and the points are one."""


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
    centres = points.take_along_dim(
        kmeans_plus_plus(points[None], draws.to(points)[None, None])[0, ..., None], dim=1
    )
    squares = points.square().sum(-1)
    for _ in range(ITERATIONS):
        membership = F.one_hot(_distances(points, centres, squares).argmin(-1), num_clusters).to(points)
        sizes = membership.sum(1)[..., None]
        means = membership.transpose(1, 2) @ points / sizes.clamp(min=1)
        centres = torch.where(sizes > 0, means, centres)
    return _distances(points, centres, squares).argmin(-1)


def kmeans_plus_plus(
    points: Float[Tensor, "group images point dim"], draws: Float[Tensor, "head #images cluster"]
) -> Int64[Tensor, "head images cluster"]:
    """Which points are the seeds: each next one is drawn with probability in proportion to its squared distance.

    Heads that share an image's points are one matrix product: subtracting each seed from copies of the points took
    most of the slots' time.

    Args:
        points: Of images; a group's are shared by heads/groups heads.
        draws: Uniform in [0, 1), one for each seed; images that share them do not depend on their batch.

    Example:
        >>> points = torch.tensor([[0.0], [0.0], [5.0]])
        >>> kmeans_plus_plus(points[None, None], torch.tensor([[[0.1, 0.5]]]))  # of the two equal points, one alone
        tensor([[[0, 2]]])
    """
    groups, images, count, width = points.shape
    draws = draws.expand(-1, images, -1)
    squares = points.square().sum(-1)
    shares = points.new_ones(len(draws), images, count)
    chosen: list[Int64[Tensor, "head images 1"]] = []
    with torch.autocast(points.device.type, enabled=False):
        for draw in draws.split(1, dim=-1):
            reached = shares.cumsum(-1)
            before = reached < draw * reached[..., -1:]
            index = before.sum(-1, keepdim=True).clamp(max=count - 1)
            rows = index.squeeze(-1).unflatten(0, (groups, -1)).transpose(1, 2)  # (group, images, its heads)
            places = rows[..., None].expand(-1, -1, -1, width)
            newest = points.gather(2, places)  # take_along_dim has no symbolic sizes
            distances = _distances(points, newest, squares)  # (group, images, point, its heads)
            distances = distances.masked_fill(distances < ROUNDING * squares[..., None], 0.0)
            to_newest = distances.movedim(-1, 1).flatten(0, 1)
            shares = torch.minimum(shares, to_newest) if chosen else to_newest
            chosen.append(index)
    return torch.cat(chosen, dim=-1)


def _distances(
    points: Float[Tensor, "*batch point dim"],
    centres: Float[Tensor, "*batch cluster dim"],
    squares: Float[Tensor, "*batch point"],
) -> Float[Tensor, "*batch point cluster"]:
    """Squared distances, given the points' own squares."""
    cross = points @ centres.mT
    return squares[..., None] - 2 * cross + centres.square().sum(-1)[..., None, :]
