"""How well each annotated box is covered by any box that was found."""

from jaxtyping import Float
from torch import Tensor

from slotlight import metrics
from slotlight.evaluation.measured import ObjectOverlaps
from slotlight.images import RGBImage


def box_overlaps(
    boxes: Float[Tensor, "1 box 4"], annotated: Float[Tensor, "1 object 4"], image: RGBImage
) -> ObjectOverlaps:
    """The best IoU of each annotated box of one photograph with any box."""
    best = metrics.best_overlap_of_boxes(boxes, annotated)[0]
    sizes = (annotated[0, :, 2:] - annotated[0, :, :2]).prod(-1) / (image.shape[0] * image.shape[1])
    return ObjectOverlaps(tuple(best.tolist()), tuple(sizes.tolist()))
