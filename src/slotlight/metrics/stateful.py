"""The metrics as `torchmetrics`: the same value on one process and on several.

The functions of this package say what is computed; these classes only add up, so that each process holds
sums, never images. A value has a sum over images and a count of the images where it is defined.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.detection import MeanAveragePrecision

from slotlight.metrics.saliency import f_beta_curve


class ImageMean(Metric):
    """Mean over images of any per-image value of this package; images where it is NaN are left out.

    Args:
        per_image: From what `update` is given to one value an image.

    Example:
        >>> from slotlight.metrics import best_overlap, confusion_matrix
        >>> def mbo(slots, labels):
        ...     return best_overlap(confusion_matrix(slots, labels), count_void=False)
        >>> metric = ImageMean(mbo)
        >>> metric.update(torch.tensor([[[0, 1]]]), torch.tensor([[[0, 1]]]))
        >>> float(metric.compute())
        1.0
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, per_image: Callable[..., Float[Tensor, " batch"]]) -> None:
        super().__init__()
        self.per_image = per_image
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, *maps: Tensor) -> None:
        """Add a batch: what ``per_image`` takes."""
        values = self.per_image(*maps)
        self.total += values.nansum()
        self.count += values.isfinite().sum()

    def compute(self) -> Float[Tensor, ""]:
        """The mean; NaN before any image has a value."""
        return self.total / self.count


class MaxFBeta(Metric):
    """`max_f_beta` of a whole dataset: the F-beta curves added up, then the best threshold taken once."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(255, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, saliency: Float[Tensor, "batch height width"], truth: Tensor) -> None:
        """Add a batch of soft maps and their label maps."""
        curves = f_beta_curve(saliency, truth)
        self.total += curves.nansum(0)
        self.count += curves[:, 0].isfinite().sum()

    def compute(self) -> Float[Tensor, ""]:
        """The best threshold's mean F-beta; NaN before any image has a salient region."""
        return (self.total / self.count).max()


def detection_metric(kind: Literal["bbox", "segm"] = "bbox") -> MeanAveragePrecision:
    """Average precision by torchmetrics, set up as `average_precision` is.

    The same backend, with 1, 10 and 100 regions an image. All labels are to be 0. It returns `map`, `map_50`,
    `map_75`, `mar_1`, `mar_10`, `mar_100`.
    """
    return MeanAveragePrecision(
        iou_type=kind,
        rec_thresholds=[
            i / 100 for i in range(101)
        ],  # its default is rounded to float32: 0.6 misses a recall of 0.6
        max_detection_thresholds=[1, 10, 100],
        backend="faster_coco_eval",
    )
