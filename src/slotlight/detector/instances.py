"""The package's own detector, which votes with partitions of its backbone's features: many objects, ranked."""

from pathlib import Path

import torch

from slotlight.backbones import load_backbone
from slotlight.config import EMBEDDED, Precision, ProposalConfig, preset
from slotlight.detector.checkpoint import load_detector
from slotlight.files import pretrained
from slotlight.model.voting import VotingSegmenter

INSTANCES = "instances"

_SIDE = 256
_MOST = 100


def load_instances(
    folder: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
) -> VotingSegmenter:
    """A detector and partitions that vote together.

    Partitions find what stands out in one photograph, the detector what many photographs have in common; either finds
    objects that the other misses, and what both find comes first.

    Args:
        folder: Of a detector that `slotlight.distil` trained; without it, the one in the package.
        device: Where to put both.
        precision: Arithmetic of both.

    Raises:
        CheckpointError: The folder is damaged or no detector's.
    """
    detector = load_detector(folder or pretrained("detector"), device=device, precision=precision)
    return VotingSegmenter(
        f"{INSTANCES}@{folder.name}" if folder else INSTANCES,
        load_backbone(EMBEDDED, device=device),
        image_size=_SIDE,
        heuristics=preset(EMBEDDED)[0].heuristics,
        precision=precision,
        config=ProposalConfig(most=_MOST),
        detector=detector,
    )
