"""Features of objects → groups, by k-means; how many, by a criterion that needs no label.

Features lose the mean of all objects, which is most of what any two of them have in common, and are brought to unit
length: what is left to compare is their direction. Whitening them was measured and is worse (docs/groups.md).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int64

from slotlight.errors import ConfigError

COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)
"""Numbers of groups that are tried where none is given."""

LEAST_MEAN_SIZE = 5
"""Of the numbers tried: no more groups than would have so many objects on average."""

NEAR_BEST = 0.95
"""The smallest number is taken whose silhouette is at least this share of the best: beyond it little is gained."""

_STARTS = 5
_SAMPLED = 2000  # objects of which the silhouette is taken: it grows with their square


@dataclass(frozen=True)
class Clusters:
    """What became of the objects.

    Attributes:
        group: Of each object, from 1; group 1 is the largest.
        distance: Of each object from the middle of its group.
        chosen_by: The mean silhouette, in [-1, 1], where the number of groups was chosen by it.
    """

    group: Int64[np.ndarray, " object"]
    distance: Float[np.ndarray, " object"]
    chosen_by: float | None


def cluster(
    features: Float[np.ndarray, "object dim"], groups: int | None = None, *, seed: int = 0
) -> Clusters:
    """Group objects by k-means of their centred, normalised features.

    Args:
        features: One row an object.
        groups: How many; without it, of `COUNTS` the smallest whose mean silhouette (Rousseeuw, 1987) is near the best.
        seed: Of the initial centres; the same seed, the same groups.

    Raises:
        ConfigError: There are fewer objects, or fewer different ones, than groups.

    Example:
        >>> features = np.eye(3, dtype=np.float32).repeat([8, 6, 7], axis=0)
        >>> cluster(features, 3).group.tolist() == [1] * 8 + [3] * 6 + [2] * 7
        True
    """
    points = normalised(features)
    different = len(np.unique(points, axis=0))
    if groups is not None and groups > different:
        of = f"{len(points)} objects" if different == len(points) else f"{different} different objects"
        raise ConfigError(f"{groups} groups cannot be made of {of}; give a smaller --groups.")
    if groups is None:
        return _chosen(points, different, seed)
    return _clustered(points, groups, seed)


def normalised(features: Float[np.ndarray, "object dim"]) -> Float[np.ndarray, "object dim"]:
    """Features less their mean over all objects, at unit length; one that equals the mean stays zero."""
    centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    found: Float[np.ndarray, "object dim"] = centred / lengths.clip(1e-6)
    return found


def _chosen(points: Float[np.ndarray, "object dim"], different: int, seed: int) -> Clusters:
    from sklearn.metrics import silhouette_score

    most = min(different - 1, len(points) // LEAST_MEAN_SIZE)
    tried = [count for count in COUNTS if count <= most]
    if not tried:
        return _clustered(points, 1, seed)
    found = [_clustered(points, count, seed) for count in tried]
    sample = min(_SAMPLED, len(points))
    rows = np.sort(np.random.default_rng(seed).permutation(len(points))[:sample])
    scores = [
        float(silhouette_score(points[rows], one.group[rows]))
        if len(np.unique(one.group[rows])) > 1
        else -1.0
        for one in found
    ]
    best = max(scores)
    near = next(place for place, score in enumerate(scores) if score >= min(best, NEAR_BEST * best))
    return replace(found[near], chosen_by=scores[near])


def _clustered(points: Float[np.ndarray, "object dim"], groups: int, seed: int) -> Clusters:
    from sklearn.cluster import KMeans

    means = KMeans(groups, n_init=_STARTS, random_state=seed).fit(points)
    labels = means.labels_
    distance = np.linalg.norm(points - means.cluster_centers_[labels], axis=1)
    sizes = np.bincount(labels, minlength=groups)
    rank = np.empty(groups, np.int64)
    # Of groups of one size, the one with the earlier first object comes first.
    first = np.array([np.argmax(labels == group) for group in range(groups)])
    rank[np.lexsort((first, -sizes))] = np.arange(1, groups + 1)
    return Clusters(rank[labels], distance.astype(np.float32), None)
