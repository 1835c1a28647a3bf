"""Foreground, without labels: what differs from the photograph's border and lies near its middle.

Background runs along a photograph's border more often than objects do. A patch is foreground as far as its feature is
from the features of the border's patches; a broad Gaussian over the photograph says that people aim at what they
photograph.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from slotlight.config import HeuristicsConfig

MIN_AGREEMENT = 0.01
"""Heads that disagree make an object unsure; they never turn it into background."""


def foreground_map(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int], config: HeuristicsConfig
) -> Float[Tensor, "batch rows columns"]:
    """How much each patch is foreground; the mean over a photograph is one.

    The squared mean distance to the nearest features of the border, times a Gaussian around the middle, smoothed
    over neighbouring patches. A photograph without any contrast is one everywhere but for the Gaussian.

    Args:
        features: Any backbone's; only their differences within a photograph count.
        grid: Rows and columns of patches.
        config: Its ``border_neighbours`` (one alone is noise) and ``centre_width``.
    """
    features = features.float()
    spread = features.std(dim=1, keepdim=True, correction=0).norm(dim=-1, keepdim=True).clamp(min=1e-6)
    features = features / spread
    border = _border(grid, features.device)
    nearest = min(config.border_neighbours + 1, border.shape[0])  # a border patch's nearest is itself
    distances = torch.cdist(features, features[:, border]).topk(nearest, dim=-1, largest=False).values
    unlike = distances[..., 1:].mean(dim=-1) if nearest > 1 else distances[..., 0]
    centre = _centre(grid, config.centre_width, features.device)
    foreground = _blurred((unlike.square() + 1e-6).unflatten(1, grid) * centre)
    return foreground / foreground.mean(dim=(1, 2), keepdim=True)


def with_foreground(
    features: Float[Tensor, "batch patch dim"], foreground: Float[Tensor, "batch rows columns"], weight: float
) -> Float[Tensor, "batch patch wider"]:
    """The features and, as one more dimension, the standardised map, ``weight`` times as wide as they are.

    With a weight of 0, the features alone.
    """
    if not weight:
        return features
    values = foreground.flatten(1)
    deviation, mean = torch.std_mean(values, dim=1, keepdim=True, correction=0)
    width = features.std(dim=(1, 2), correction=0).unsqueeze(1)
    extra = weight * width * (values - mean) / deviation.clamp(min=1e-6)
    return torch.cat([features, extra.unsqueeze(-1).to(features)], dim=-1)


def score_by_foreground(
    masks: Float[Tensor, "batch slot rows columns"],
    foreground: Float[Tensor, "batch rows columns"],
    agreement: Float[Tensor, "batch slot"],
    background_below: float,
) -> Float[Tensor, "batch slot"]:
    """How likely each slot is one object: much foreground, over much of the photograph, on which the heads agree.

    Slots that win no patch score 0, as do those with less than ``background_below`` of the photograph's mean
    foreground: they are background.

    Args:
        masks: Slot masks, summing to one over slots.
        foreground: Of `foreground_map`.
        agreement: Mean cosine similarity of each slot over heads.
        background_below: See `slotlight.config.HeuristicsConfig`.
    """
    won = torch.zeros_like(masks).scatter_(1, masks.argmax(dim=1, keepdim=True), 1.0)
    area = won.mean(dim=(2, 3))
    mean = (won * foreground.unsqueeze(1)).mean(dim=(2, 3)) / area.clamp(min=1e-6)
    score = (1 - torch.exp(-mean * area.sqrt())) * agreement.clamp(MIN_AGREEMENT, 1.0)
    is_object = (mean >= background_below) & (area > 0)
    return score * is_object


def merge_background(
    masks: Float[Tensor, "batch slot rows columns"], scores: Float[Tensor, "batch slot"]
) -> tuple[Float[Tensor, "batch more rows columns"], Float[Tensor, "batch more"]]:
    """Background is one thing, however many slots it took: one more slot of score 0 stands for all of them.

    It has the greatest of their masks in every patch, not their sum: so each patch is won by the same side as before,
    and many slots that win nothing cannot take a patch from an object together. Masks sum to one again afterwards.
    """
    background = (scores == 0)[..., None, None]
    strongest = (masks * background).amax(dim=1, keepdim=True)
    merged = torch.cat([masks.masked_fill(background, 0.0), strongest], dim=1)
    merged = merged / merged.sum(dim=1, keepdim=True).clamp(min=1e-9)
    return merged, torch.cat([scores, torch.zeros_like(scores[:, :1])], dim=1)


def _border(grid: tuple[int, int], device: torch.device) -> Int64[Tensor, " border"]:
    index = torch.arange(grid[0] * grid[1], device=device).unflatten(0, grid)
    below, between = index[1:], index[1:-1]  # of one row or column, the last is not the first again
    sides = [index[0], below[-1:].flatten(), between[:, 0], between[:, 1:][:, -1:].flatten()]
    return torch.cat(sides).sort().values


def _centre(grid: tuple[int, int], width: float, device: torch.device) -> Float[Tensor, "rows columns"]:
    rows, columns = ((torch.arange(n, device=device) + 0.5) / n * 2 - 1 for n in grid)
    return torch.exp(-(rows[:, None].square() + columns.square()) / (2 * width**2))


def _blurred(foreground: Float[Tensor, "batch rows columns"]) -> Float[Tensor, "batch rows columns"]:
    """Over seven patches, or as many as the reflection at the border allows."""
    window = [min(7, 2 * side - 1) for side in (foreground.shape[2], foreground.shape[1])]
    with torch.autocast(foreground.device.type, enabled=False):  # a score needs more than bf16
        blurred: Tensor = gaussian_blur(foreground.unsqueeze(1), window, [1.0, 1.0])
    return blurred.squeeze(1)
