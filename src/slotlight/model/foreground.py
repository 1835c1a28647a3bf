"""Figure from ground, without labels: what is unlike the photograph's border, and near its middle.

Background runs along a photograph's border more often than objects do. A patch is figure as far as its feature is from
the features of the border's patches; a broad Gaussian over the photograph says that people aim at what they photograph.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

NEIGHBOURS = 3  # of a patch among the border's: one alone is noise
CENTRE_WIDTH = 0.6  # standard deviation of the Gaussian; the photograph reaches from -1 to 1
BACKGROUND_BELOW = 0.7  # of the photograph's mean figure


def figure_map(
    features: Float[Tensor, "batch patch dim"], grid: tuple[int, int]
) -> Float[Tensor, "batch rows columns"]:
    """How much each patch is figure, not ground; the mean over a photograph is one.

    The squared mean distance to the nearest features of the border, times a Gaussian around the middle, smoothed
    over neighbouring patches. A photograph without any contrast is one everywhere but for the Gaussian.

    Args:
        features: Any backbone's; only their differences within a photograph count.
        grid: Rows and columns of patches.
    """
    features = features.float()
    spread = features.std(dim=1, keepdim=True, correction=0).norm(dim=-1, keepdim=True).clamp(min=1e-6)
    features = features / spread
    border = _border(grid, features.device)
    nearest = min(NEIGHBOURS + 1, len(border))  # a border patch's nearest is itself
    distances = torch.cdist(features, features[:, border]).topk(nearest, dim=-1, largest=False).values
    unlike = distances[..., 1:].mean(dim=-1) if nearest > 1 else distances[..., 0]
    figure = (unlike.square() + 1e-6).unflatten(1, grid) * _centre(grid, features.device)
    figure = _blurred(figure)
    return figure / figure.mean(dim=(1, 2), keepdim=True)


def with_figure(
    features: Float[Tensor, "batch patch dim"], figure: Float[Tensor, "batch rows columns"], weight: float
) -> Float[Tensor, "batch patch wider"]:
    """The features and, as one more dimension, the standardised figure map, ``weight`` times as wide as they are."""
    figures = figure.flatten(1)
    deviation, mean = torch.std_mean(figures, dim=1, keepdim=True, correction=0)
    width = features.std(dim=(1, 2), correction=0).unsqueeze(1)
    extra = weight * width * (figures - mean) / deviation.clamp(min=1e-6)
    return torch.cat([features, extra.unsqueeze(-1).to(features)], dim=-1)


def score_by_figure(
    masks: Float[Tensor, "batch slot rows columns"],
    figure: Float[Tensor, "batch rows columns"],
    agreement: Float[Tensor, "batch slot"],
) -> Float[Tensor, "batch slot"]:
    """How likely each slot is one object: much figure, over much of the photograph, on which the heads agree.

    Slots with less than `BACKGROUND_BELOW` of the mean figure are background and score 0, as do slots that
    win no patch.

    Args:
        masks: Slot masks, summing to one over slots.
        figure: Of `figure_map`.
        agreement: Mean cosine similarity of each slot over heads.
    """
    won = torch.zeros_like(masks).scatter_(1, masks.argmax(dim=1, keepdim=True), 1.0)
    area = won.mean(dim=(2, 3))
    mean_figure = (won * figure.unsqueeze(1)).mean(dim=(2, 3)) / area.clamp(min=1e-6)
    score = (1 - torch.exp(-mean_figure * area.sqrt())) * agreement.clamp(0, 1)
    is_object = (mean_figure >= BACKGROUND_BELOW) & (area > 0)
    return score * is_object


def merge_background(
    masks: Float[Tensor, "batch slot rows columns"], scores: Float[Tensor, "batch slot"]
) -> tuple[Float[Tensor, "batch more rows columns"], Float[Tensor, "batch more"]]:
    """Background is one thing, however many slots it took: their masks are added up into one more slot of score 0."""
    ground = (scores == 0)[..., None, None]
    together = (masks * ground).sum(dim=1, keepdim=True)
    merged = torch.cat([masks.masked_fill(ground, 0.0), together], dim=1)
    return merged, torch.cat([scores, torch.zeros_like(scores[:, :1])], dim=1)


def _border(grid: tuple[int, int], device: torch.device) -> Int64[Tensor, " border"]:
    index = torch.arange(grid[0] * grid[1], device=device).unflatten(0, grid)
    border: Tensor = torch.cat([index[0], index[-1], index[1:-1, 0], index[1:-1, -1]]).unique()
    return border


def _centre(grid: tuple[int, int], device: torch.device) -> Float[Tensor, "rows columns"]:
    rows, columns = ((torch.arange(n, device=device) + 0.5) / n * 2 - 1 for n in grid)
    return torch.exp(-(rows[:, None].square() + columns.square()) / (2 * CENTRE_WIDTH**2))


def _blurred(figure: Float[Tensor, "batch rows columns"]) -> Float[Tensor, "batch rows columns"]:
    """Over seven patches, or as many as the reflection at the border allows."""
    window = [min(7, 2 * side - 1) for side in (figure.shape[2], figure.shape[1])]
    with torch.autocast(figure.device.type, enabled=False):  # a score needs more than bf16
        blurred: Tensor = gaussian_blur(figure.unsqueeze(1), window, [1.0, 1.0])
    return blurred.squeeze(1)
