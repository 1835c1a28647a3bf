"""What segmenters reach on the development fifth of VOC 2012 val, under the protocol `paper`. Labels only measure."""

from collections.abc import Sequence
from pathlib import Path

from slotlight.datasets import VOCDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.run import evaluate
from slotlight.segmenter import Segmenter

METRICS = ("mIoU", "mBO", "CorLoc")


def measure(segmenters: Sequence[Segmenter], voc: Path, out: Path) -> list[dict[str, float]]:
    """For each of them, in order, the `METRICS` in per cent; what is in ``out/evaluation`` is not measured again."""
    found = [Discoverer(segmenter) for segmenter in segmenters]
    (table,) = evaluate(found, VOCDataset(voc, "dev"), ["paper"], out=out / "evaluation").tables
    return [{estimate.metric: 100 * estimate.mean for estimate in row.estimates} for row in table.rows]
