"""One object region against one annotated region: IoU, accuracy and the F-beta curve of a soft map."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

from slotlight.metrics.confusion import confusion_matrix

BETA_SQUARED = 0.3
NUM_LEVELS = 256


@dataclass(frozen=True)
class MaskAgreement:
    """How well binary masks agree with the truth; void pixels count nowhere.

    Attributes:
        iou: Intersection over union of the salient regions; 1 where both are empty, NaN where all pixels are
            void.
        accuracy: Share of pixels that are right; NaN where all pixels are void.
    """

    iou: Float[Tensor, " batch"]
    accuracy: Float[Tensor, " batch"]


def mask_agreement(
    masks: Bool[Tensor, "batch height width"],
    truth: Integer[Tensor, "batch height width"],
) -> MaskAgreement:
    """IoU and pixel accuracy of one mask an image. Every label above 0 is salient.

    Source:
        The unsupervised saliency protocol of TokenCut (Wang et al., 2022) and SelfMask (Shin et al., 2022).
    """
    counts = confusion_matrix(masks.int(), truth).counts
    table = _binary(counts, 2)
    hit, union = table[:, 1, 1], table.sum((1, 2)) - table[:, 0, 0]
    right, pixels = hit + table[:, 0, 0], table.sum((1, 2))
    iou = torch.where(union > 0, hit / union, 1.0)
    return MaskAgreement(iou=iou.masked_fill(pixels == 0, float("nan")), accuracy=right / pixels)


def f_beta_curve(
    saliency: Float[Tensor, "batch height width"],
    truth: Integer[Tensor, "batch height width"],
) -> Float[Tensor, "batch level"]:
    """F-beta (beta² = 0.3) of a soft map in [0, 1] cut at each of 255 thresholds (one histogram).

    At threshold ``t`` of 1/255, 2/255 … 1 a pixel is salient if its value is at least ``t`` (values are first
    rounded down to steps of 1/255, so a tie with a threshold is salient).

    Returns:
        One curve an image; where nothing is salient at a threshold, 0. NaN for an image without a salient
        truth.

    Source:
        Achanta et al., 2009.
    """
    levels = saliency.clamp(0, 1) * (NUM_LEVELS - 1) + 1e-4  # k/255 times 255 must not round down to k - 1
    counts = confusion_matrix(levels.int(), truth).counts
    at_least: Tensor = _binary(counts, NUM_LEVELS).flip(1).cumsum(1).flip(1)  # pixels of each level or above
    hit, predicted, annotated = at_least[:, 1:, 1], at_least[:, 1:].sum(2), at_least[:, :1, 1]
    f_beta = (1 + BETA_SQUARED) * hit / (BETA_SQUARED * annotated + predicted).clamp(min=1e-9)
    return f_beta.masked_fill(annotated == 0, float("nan"))


def max_f_beta(curves: Float[Tensor, "batch level"]) -> float:
    """The highest mean F-beta that one threshold reaches over all images (NaN ones left out).

    One threshold for the whole dataset: the mean of the images' own maxima would be higher and is another
    measure.
    """
    return float(curves.nanmean(0).max())


def _binary(
    counts: Int[Tensor, "batch level label"], num_levels: int
) -> Float[Tensor, "batch {num_levels} 2"]:
    """Counts with every label above 0 made one, and levels that no pixel reached added."""
    table = torch.stack((counts[..., 0], counts[..., 1:].sum(2)), dim=2).double()
    return F.pad(table, (0, 0, 0, num_levels - counts.shape[1]))
