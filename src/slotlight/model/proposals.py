"""Many partitions of one photograph → ranked, overlapping regions, by vote.

One partition into a few parts joins what touches and splits what is large. Many partitions, coarse and fine, disagree
about that, but a region that most of them contain is there whatever their number of parts. So each part of each
partition, scored by the foreground map, votes for the regions that it nearly equals; a region is the mean of its
voters, and its score is the votes that it got, as a share of all partitions.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import HeuristicsConfig, ProposalConfig
from slotlight.model.foreground import foreground_map, score_by_foreground, with_foreground
from slotlight.model.partition import spectral_partitions
from slotlight.model.parts import connected_parts
from slotlight.segmenter import Regions


def propose_regions(
    features: Float[Tensor, "batch patch dim"],
    grid: tuple[int, int],
    heuristics: HeuristicsConfig,
    config: ProposalConfig,
    detected: Sequence[Regions] | None = None,
) -> list[Regions]:
    """The regions of each photograph of a batch.

    Args:
        features: Of its patches.
        grid: Rows and columns of patches.
        heuristics: Of the foreground map and what counts as background.
        config: Which partitions vote, and how.
        detected: What a detector found in each photograph, on any grid; it votes, too.

    Example:
        >>> features = torch.zeros(1, 144, 4)
        >>> features[0, :, 0] = 1
        >>> inside = [row * 12 + column for row in range(4, 8) for column in range(4, 8)]
        >>> features[0, inside] = torch.tensor([0.0, 1, 0, 0])
        >>> best = propose_regions(features, (12, 12), HeuristicsConfig(), ProposalConfig(clusters=(2, 3)))[0]
        >>> int((best.masks[0] > 0.5).sum())
        16
    """
    foreground = foreground_map(features, grid, heuristics)
    wide = with_foreground(features, foreground, heuristics.foreground_weight)
    parts: list[list[Tensor]] = [[] for _ in features]
    scores: list[list[float]] = [[] for _ in features]
    for labels, count in spectral_partitions(wide, grid, config.clusters, config.temperatures):
        masks = F.one_hot(labels, count).transpose(1, 2).float().unflatten(2, grid)
        agreed = torch.ones_like(masks[..., 0, 0])
        scored = score_by_foreground(masks, foreground, agreed, heuristics.background_below)
        for number, (whole, score) in enumerate(zip(masks.cpu(), scored.tolist(), strict=True)):
            for mask, value in zip(whole, score, strict=True):
                for part, share in connected_parts(mask.numpy() > 0, config.min_part) if value > 0 else ():
                    parts[number].append(torch.from_numpy(part))
                    scores[number].append(value * share**0.5)
    voters = len(config.clusters) * len(config.temperatures)
    for number, one in enumerate(detected or ()):
        masks, sure = _on_grid(one, grid, config.detector_least)
        parts[number] += masks
        scores[number] += (config.detector_weight * voters * sure).tolist()
    return [
        _elect(torch.stack(own).float(), torch.tensor(score), voters, config)
        if own
        else Regions(features.new_zeros(0, *grid).cpu(), torch.zeros(0))
        for own, score in zip(parts, scores, strict=True)
    ]


def _on_grid(
    found: Regions, grid: tuple[int, int], least: float
) -> tuple[list[Bool[Tensor, "rows columns"]], Float[Tensor, " region"]]:
    """The surer regions as sets of patches, and their scores; those that cover no patch are left out."""
    kept = found.scores >= least
    masks, scores = found.masks[kept].cpu(), found.scores[kept].cpu()
    if not len(scores):
        return [], scores
    inside = F.interpolate(masks.unsqueeze(0), grid, mode="area")[0] > 0.5
    covers = inside.any(dim=2).any(dim=1)
    return list(inside[covers]), scores[covers]


def _elect(
    parts: Float[Tensor, "part rows columns"],
    scores: Float[Tensor, " part"],
    voters: int,
    config: ProposalConfig,
) -> Regions:
    """Group parts around the one with the most support, again and again, until none is left."""
    flat = parts.flatten(1)
    shared, area = flat @ flat.T, flat.sum(dim=1)
    near = (shared / (area.unsqueeze(1) + area - shared) > config.same_above).float()
    left = torch.ones_like(scores)
    masks: list[Tensor] = []
    votes: list[Tensor] = []
    while len(masks) < config.most and left.any():
        support = (near @ (scores * left)) * left
        members = near[support.argmax()] * left * scores
        masks.append((members @ flat) / members.sum())
        votes.append(members.sum() / voters)
        left = left * (members == 0)
    found = torch.stack(votes).clamp(max=1)
    order = found.argsort(descending=True, stable=True)
    return Regions(torch.stack(masks)[order].unflatten(1, parts.shape[1:]), found[order])
