"""Boxes of label maps, their overlaps, and the two measures called CorLoc.

Boxes are ``x1, y1, x2, y2`` in pixels. Two conventions are in use: *exclusive*, where ``x2`` and ``y2`` are
one past the last pixel and areas are those of the pixels covered; and *inclusive*, where they are the last
pixel and no 1 is added to widths, as in the paper's release (`masks_to_bboxes`, after DETR): a box is then
one pixel short on each side, and one of a single row or column has no area. Missing boxes (absent labels,
padding) are -1, -1, -1, -1: they overlap nothing.
"""

import torch
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

MISSING = -1.0


def label_boxes(
    labels: Integer[Tensor, "batch height width"], num_labels: int, *, inclusive: bool = False
) -> Float[Tensor, "batch label 4"]:
    """The box around all pixels of each label below ``num_labels``; missing where a label has no pixel.

    Pixels of higher numbers (void) belong to no box.

    Example:
        >>> label_boxes(torch.tensor([[[0, 1, 1], [0, 1, 255]]]), 2)[0].tolist()
        [[0.0, 0.0, 1.0, 2.0], [1.0, 0.0, 3.0, 2.0]]
    """
    kept = labels.int().clamp(max=num_labels)
    rows, columns = (torch.arange(s, dtype=torch.int32, device=labels.device) for s in labels.shape[1:])
    occupied_rows = _occupied(kept, rows[:, None], num_labels)
    occupied_columns = _occupied(kept, columns, num_labels)
    left, right = _ends(occupied_columns)
    top, bottom = _ends(occupied_rows)
    past = 0 if inclusive else 1
    boxes = torch.stack((left, top, right + past, bottom + past), dim=-1).double()
    return torch.where(occupied_rows.any(-1, keepdim=True), boxes, MISSING)


def box_iou(
    boxes: Float[Tensor, "batch box 4"], others: Float[Tensor, "batch other 4"]
) -> Float[Tensor, "batch box other"]:
    """Intersection over union of every box with every other of its image; 0 for missing and empty ones."""
    first, second = boxes[:, :, None], others[:, None]
    corner = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])
    shared = corner.clamp(min=0).prod(-1)
    union = _area(first) + _area(second) - shared
    return torch.where(union > 0, shared / union, 0.0)


def best_box_corloc(
    boxes: Float[Tensor, "batch slot 4"], objects: Float[Tensor, "batch object 4"], *, threshold: float = 0.5
) -> Float[Tensor, " batch"]:
    """1 for an image where *any* of its boxes has an IoU *above* the threshold with any object, else 0.

    A lenient measure: all slots, background too, may try, and one class in one image is enough. Under `paper`
    the objects are the boxes of whole classes, all their instances together.

    Returns:
        0 or 1 an image (an IoU of exactly the threshold is a miss); NaN for an image without objects.

    Source:
        `BboxCorLocMetric` of the paper's release, with ``label_boxes(..., inclusive=True)`` on both sides and
        the background's box left out of the objects.
    """
    hit = (box_iou(boxes, objects) > threshold).flatten(1).any(1)
    return hit.double().masked_fill(~_has_box(objects), float("nan"))


def one_box_corloc(
    boxes: Float[Tensor, "batch 4"], objects: Float[Tensor, "batch object 4"], *, threshold: float = 0.5
) -> Float[Tensor, " batch"]:
    """1 for an image whose *one* box has an IoU *of at least* the threshold with any annotated box, else 0.

    Returns:
        0 or 1 an image (an IoU of exactly the threshold is a hit; a missing box misses); NaN for an image
        without annotated boxes.

    Source:
        CorLoc as LOST (Siméoni et al., 2021) and TokenCut (Wang et al., 2022) report it; boxes are exclusive.
    """
    hit = (box_iou(boxes[:, None], objects) >= threshold).flatten(1).any(1)
    return hit.double().masked_fill(~_has_box(objects), float("nan"))


def best_overlap_of_boxes(
    boxes: Float[Tensor, "batch box 4"], objects: Float[Tensor, "batch object 4"]
) -> Float[Tensor, "batch object"]:
    """Best IoU of each object's box with any box of its image; NaN for missing objects."""
    best = box_iou(boxes, objects).amax(1) if boxes.shape[1] else torch.zeros_like(objects[..., 0])
    return best.masked_fill(~_is_box(objects), float("nan"))


def _occupied(
    labels: Int[Tensor, "batch height width"], places: Int[Tensor, "*grid"], num_labels: int
) -> Bool[Tensor, "batch label place"]:
    """Which rows or columns hold a pixel of each label; label ``num_labels`` is dropped."""
    batch, num_places = len(labels), places.numel()
    images = torch.arange(batch, dtype=torch.int32, device=labels.device)[:, None, None] * (num_labels + 1)
    cells = (labels * num_places).add_(images * num_places + places)
    counts = torch.bincount(cells.flatten(), minlength=batch * (num_labels + 1) * num_places)
    return counts.view(batch, num_labels + 1, num_places)[:, :-1] > 0


def _ends(occupied: Bool[Tensor, "batch label place"]) -> tuple[Tensor, Tensor]:
    places = occupied.int()
    return places.argmax(-1), places.shape[-1] - 1 - places.flip(-1).argmax(-1)


def _area(boxes: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def _is_box(boxes: Float[Tensor, "batch box 4"]) -> Bool[Tensor, "batch box"]:
    return boxes[..., 2] >= 0


def _has_box(boxes: Float[Tensor, "batch box 4"]) -> Bool[Tensor, " batch"]:
    return _is_box(boxes).any(1)
