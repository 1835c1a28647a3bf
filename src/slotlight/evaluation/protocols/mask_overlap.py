"""How well each annotated mask is covered by any slot."""

from slotlight import metrics
from slotlight.evaluation.measured import ObjectOverlaps


def mask_overlaps(counts: metrics.Confusion, *, count_void: bool) -> ObjectOverlaps:
    """The best IoU of each label of one photograph with any slot, background left out."""
    best = metrics.best_overlap_of_labels(counts, count_void=count_void)[0, 1:]
    sizes = counts.counts[0, :, 1:].sum(0) / (counts.counts.sum() + counts.void.sum())
    present = best.isfinite()
    return ObjectOverlaps(tuple(best[present].tolist()), tuple(sizes[present].tolist()))
