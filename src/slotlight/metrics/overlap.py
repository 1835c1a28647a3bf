"""How well slots cover labels: intersection over union, matched one to one or each label's best.

Two conventions of *void* pixels (VOC's undecided borders) are in use, and they change a result by some
points:

- ``count_void=False``, the usual one: void pixels are left out of both the intersection and the union.
- ``count_void=True``, the paper's release (`cluster.py` of Masked Multi-Query Slot Attention, after
  DINOSAUR's evaluation): void pixels belong to no label, but a slot's void pixels stay in its area, hence in
  the union.
"""

import torch
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from slotlight.metrics.confusion import Confusion

UNDEFINED = float("nan")


def pairwise_iou(confusion: Confusion, *, count_void: bool) -> Float[Tensor, "batch slot label"]:
    """Intersection over union of every slot with every label (float64); 0 where both are empty."""
    shared = confusion.counts.double()
    slot_area = shared.sum(2) + (confusion.void if count_void else 0)
    union = slot_area[:, :, None] + shared.sum(1)[:, None, :] - shared
    return shared / union.clamp(min=1)


def hungarian_iou(confusion: Confusion, *, background: bool, count_void: bool) -> Float[Tensor, " batch"]:
    """Mean over an image's labels of their IoU with the slots matched to them one to one (its mIoU).

    The matching is that of greatest total IoU; among equally good matchings the value is the same. A label
    that gets no slot, because there are fewer slots than labels, counts 0. Labels absent from the image do
    not count.

    Args:
        confusion: Pixel counts.
        background: Whether label 0 is a label like any other, or left out (slots on it still widen their
            unions).
        count_void: The convention of void pixels, see the module.

    Returns:
        One value in [0, 1] an image; NaN for an image without a label. With ``background`` an image without
        objects has one label, the background; without, it is NaN.

    Source:
        With ``background`` and ``count_void``: `UnsupervisedMaskIoUMetric` (Hungarian) of the paper's
        release. Without ``count_void``: DINOSAUR (Seitzer et al., 2023).

    Example:
        >>> from slotlight.metrics import confusion_matrix
        >>> halves, thirds = torch.tensor([[[0, 0, 0, 1, 1, 1]]]), torch.tensor([[[0, 0, 0, 0, 7, 7]]])
        >>> confusion = confusion_matrix(halves, thirds)
        >>> hungarian_iou(confusion, background=True, count_void=False)  # (3/4 + 2/3) / 2
        tensor([0.7083], dtype=torch.float64)
    """
    first = 0 if background else 1
    iou = pairwise_iou(confusion, count_void=count_void)[..., first:]
    matched = torch.tensor(
        [_greatest_total(image) for image in iou.cpu()], dtype=iou.dtype, device=iou.device
    )
    labels = _present(confusion)[:, first:].sum(1)
    return (matched / labels).masked_fill(labels == 0, UNDEFINED)


def best_overlap(confusion: Confusion, *, count_void: bool) -> Float[Tensor, " batch"]:
    """Mean over an image's objects of their best IoU with any slot (mBO), background left out.

    With class labels it is mBO_c (every class one object), with instance labels mBO_i. One slot may be the
    best of several objects, so ties cannot change it, and splitting a slot that lies within an object can
    only lower it.

    Args:
        confusion: Pixel counts.
        count_void: The convention of void pixels, see the module.

    Returns:
        One value in [0, 1] an image; NaN for an image without objects (all background or void).

    Source:
        Pont-Tuset et al., 2015; DINOSAUR (Seitzer et al., 2023). With ``count_void``:
        `AverageBestOverlapMetric` of the paper's release.
    """
    return best_overlap_of_labels(confusion, count_void=count_void)[:, 1:].nanmean(1)


def best_overlap_of_labels(confusion: Confusion, *, count_void: bool) -> Float[Tensor, "batch label"]:
    """Best IoU of each label with any slot, background included; NaN for labels absent from the image."""
    best = pairwise_iou(confusion, count_void=count_void).amax(1)
    return best.masked_fill(~_present(confusion), UNDEFINED)


def _present(confusion: Confusion) -> Bool[Tensor, "batch label"]:
    return confusion.counts.sum(1) > 0


def _greatest_total(iou: Float[Tensor, "slot label"]) -> float:
    values = iou.numpy()
    return float(values[linear_sum_assignment(values, maximize=True)].sum())
