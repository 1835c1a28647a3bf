"""Slots that learn a partition of each photograph: a training signal beside reconstruction, without a label.

A decoder that knows every patch's place can reconstruct much without looking, so slots trained by reconstruction drift
towards places. The normalised cut of a photograph's patch graph knows nothing of places: each head's attention learns
to predict it, for photographs that it has not seen too, and heads that start apart correct one another when fused.

Source: the spectral clustering of Ng, Jordan and Weiss (2001); that slots learn it is Slotlight's own.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import ModelConfig
from slotlight.model.fusion import assign
from slotlight.model.kmeans import kmeans
from slotlight.model.patch_graph import node_side, patch_graph

TEMPERATURE = 0.05
"""Of the graph that the floor cuts."""


@torch.no_grad()
def spectral_partition(
    features: Float[Tensor, "batch patch dim"],
    grid: tuple[int, int],
    clusters: int,
    temperature: float,
    *,
    standardised: bool = False,
) -> Int64[Tensor, "batch patch"]:
    """Cut each photograph's graph of patches into clusters; a cluster's number means nothing.

    Patches are joined by exp((cos - 1) / ``temperature``), cos being that of features less the photograph's mean, or
    of ``standardised`` ones as they are: without the mean of many photographs, a photograph full of one thing stays
    one. The first ``clusters`` eigenvectors of the normalised graph are clustered by k-means, row by row.

    Example:
        >>> patches = torch.eye(3).repeat_interleave(12, dim=0)[None]  # three kinds of patches, two rows each
        >>> found = spectral_partition(patches, (6, 6), 3, 0.05)
        >>> [found[0, start : start + 12].unique().numel() for start in (0, 12, 24)], found.unique().numel()
        ([1, 1, 1], 3)
    """
    found = spectral_partitions(features, grid, (clusters,), (temperature,), standardised=standardised)
    ((labels, _),) = found
    return labels


@torch.no_grad()
def spectral_partitions(
    features: Float[Tensor, "batch patch dim"],
    grid: tuple[int, int],
    counts: Sequence[int],
    temperatures: Sequence[float],
    *,
    standardised: bool = False,
) -> Iterator[tuple[Int64[Tensor, "batch patch"], int]]:
    """The same cut at several temperatures, each into several numbers of clusters: the labels, and that number.

    The eigenvectors, which cost the most, are found once for each temperature.
    """
    # Eigenvectors of near eigenvalues turn with rounding; MPS has no float64.
    dtype = torch.float32 if features.device.type == "mps" else torch.float64
    with torch.autocast(features.device.type, enabled=False):
        side = node_side(grid)
        graph = patch_graph(features, grid, side, standardised=standardised, dtype=dtype)
        for temperature in temperatures:
            edges = graph.edges(temperature)
            scale = edges.sum(dim=-1).rsqrt()
            normalised = edges * scale.unsqueeze(1) * scale.unsqueeze(2)
            leading = torch.linalg.eigh(normalised).eigenvectors
            for clusters in counts:
                labels = kmeans(F.normalize(leading[..., -clusters:], dim=-1), clusters)
                cells = labels.unflatten(1, graph.grid)
                fine = cells.repeat_interleave(side, dim=1).repeat_interleave(side, dim=2)
                yield fine[:, : grid[0], : grid[1]].flatten(1).long(), clusters


def normalised_cut(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], config: ModelConfig
) -> Int64[Tensor, "batch patch"]:
    """What the slots of a model learn: a `spectral_partition` of what they read, into as many clusters."""
    clusters, temperature = config.slots.slots, config.partition_temperature
    return spectral_partition(features, grid, clusters, temperature, standardised=config.standardise)


def partition_loss(
    attention: Float[Tensor, "batch slot patch"],
    labels: Int64[Tensor, "batch patch"],
    hidden: Bool[Tensor, "batch patch"] | None = None,
) -> Float[Tensor, ""]:
    """Cross entropy of the slots' attention with a partition, its clusters matched to the slots by their overlap.

    Args:
        attention: Softmax over slots.
        labels: Below the number of slots.
        hidden: Patches that the slots did not see; they do not count.

    Example:
        >>> labels = torch.tensor([[0, 0, 1, 1]])
        >>> swapped = torch.tensor([[[0.01, 0.01, 0.99, 0.99], [0.99, 0.99, 0.01, 0.01]]])
        >>> round(float(partition_loss(swapped, labels)), 2)  # which slot has which cluster is free
        0.01
    """
    slots = attention.shape[1]
    clusters = F.one_hot(labels, slots).to(attention).transpose(1, 2)
    with torch.no_grad():
        overlap = clusters @ attention.mT
        areas = clusters.sum(dim=2).unsqueeze(2) + attention.sum(dim=2).unsqueeze(1)
        slot_of_cluster = assign(overlap / (areas - overlap).clamp(min=1e-6))
    target = slot_of_cluster.gather(1, labels)
    likelihood = attention.gather(1, target.unsqueeze(1)).squeeze(1)
    loss = -likelihood.clamp(min=1e-6).log()
    if hidden is None:
        return loss.mean()
    return (loss * ~hidden).sum() / (~hidden).sum().clamp(min=1)
