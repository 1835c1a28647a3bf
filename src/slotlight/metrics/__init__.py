"""How good slot masks are: pure functions of tensors, one value an image, NaN where it is undefined.

`confusion_matrix` counts once; `overlap` and `rand_index` read everything from those counts. `boxes`,
`detection`, `calibration` and `saliency` take boxes, scored regions and soft maps. A dataset's figure is the mean over
the images that define it (`detection`, `calibration` and the F-beta curve pool images first, as their sources do), so
that an evaluation can bootstrap them; `weighted` bootstraps the pooled ones.
"""

from slotlight.metrics.boxes import (
    best_box_corloc,
    best_overlap_of_boxes,
    box_iou,
    label_boxes,
    one_box_corloc,
)
from slotlight.metrics.calibration import (
    Reliability,
    calibration_error,
    reliability,
    weighted_calibration_error,
)
from slotlight.metrics.confusion import Confusion, confusion_matrix
from slotlight.metrics.detection import (
    COCO_SIZES,
    AreaRange,
    AveragePrecision,
    ScoredRegions,
    average_precision,
)
from slotlight.metrics.overlap import best_overlap, best_overlap_of_labels, hungarian_iou
from slotlight.metrics.rand_index import adjusted_rand_index, foreground_rand_index
from slotlight.metrics.saliency import MaskAgreement, f_beta_curve, mask_agreement, max_f_beta
from slotlight.metrics.weighted import weighted_f_beta, weighted_precision

__all__ = [
    "COCO_SIZES",
    "AreaRange",
    "AveragePrecision",
    "Confusion",
    "MaskAgreement",
    "Reliability",
    "ScoredRegions",
    "adjusted_rand_index",
    "average_precision",
    "best_box_corloc",
    "best_overlap",
    "best_overlap_of_boxes",
    "best_overlap_of_labels",
    "box_iou",
    "calibration_error",
    "confusion_matrix",
    "f_beta_curve",
    "foreground_rand_index",
    "hungarian_iou",
    "label_boxes",
    "mask_agreement",
    "max_f_beta",
    "one_box_corloc",
    "reliability",
    "weighted_calibration_error",
    "weighted_f_beta",
    "weighted_precision",
]
