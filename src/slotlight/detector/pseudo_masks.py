"""Photographs → the regions that stand in for labels, in blocks on disk; a killed run goes on with the next block."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as coco_masks
from jaxtyping import Bool

from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.errors import CheckpointError, ImageError, TrainingError
from slotlight.files import sealed, unsealed, write_text
from slotlight.formats.run_lengths import RunLengths, mask_overlaps
from slotlight.progress import ProgressReport

BLOCK = 128
"""Photographs of one file."""

_LOG = logging.getLogger("slotlight")


@dataclass(frozen=True)
class PseudoMasks:
    """What stands in for the labels of one photograph.

    Attributes:
        path: Its file.
        masks: Of its regions, at the size it was read at.
        scores: How sure each is, in [0, 1].
    """

    path: Path
    masks: tuple[RunLengths, ...]
    scores: tuple[float, ...]

    def decode(self) -> Bool[np.ndarray, "region height width"]:
        """The masks as arrays."""
        found: Bool[np.ndarray, "height width region"] = coco_masks.decode(
            [mask.to_coco() for mask in self.masks]
        ).astype(bool)
        return found.transpose(2, 0, 1)

    def sure(self, least: float, most: int) -> "PseudoMasks":
        """Those that score at least so much, at most so many."""
        kept = [number for number, score in enumerate(self.scores) if score >= least][:most]
        return PseudoMasks(self.path, tuple(self.masks[n] for n in kept), tuple(self.scores[n] for n in kept))

    def joined(self, old: "PseudoMasks", same_above: float) -> "PseudoMasks":
        """These, and of the old ones those that none of these explains: IoU at most ``same_above`` with all."""
        if not self.masks or not old.masks:
            return self if self.masks else old
        kept = np.flatnonzero(mask_overlaps(old.masks, self.masks).max(axis=1) <= same_above)
        return PseudoMasks(
            self.path,
            self.masks + tuple(old.masks[n] for n in kept),
            self.scores + tuple(old.scores[n] for n in kept),
        )


def find_pseudo_masks(photographs: Sequence[Path], folder: Path, teacher: Discoverer) -> list[PseudoMasks]:
    """Find the regions of photographs with a teacher, or read those that were found before.

    Photographs that cannot be read are left out, and named.

    Args:
        photographs: Files, in the order that the result has.
        folder: Where the blocks are kept; whoever calls makes sure that it belongs to this teacher and these files.
        teacher: What finds the regions; its rule says how many.

    Raises:
        TrainingError: No photograph has a region.
        CheckpointError: A block is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [photographs[start : start + BLOCK] for start in range(0, len(photographs), BLOCK)]
    found: list[PseudoMasks] = []
    with ProgressReport("regions", len(photographs)) as progress:
        for number, block in enumerate(blocks):
            file = folder / f"{number:06d}.json"
            if not file.exists():
                stream = teacher.stream(block, on_error=_leave_out)
                write_text(file, [sealed({"rows": [_to_json(discovery) for discovery in stream]})])
            found += _read(file)
            progress.update(min(len(photographs), (number + 1) * BLOCK))
    if not any(one.masks for one in found):
        raise TrainingError(
            "No region was found in any photograph; give more photographs or another teacher."
        )
    return found


def _to_json(found: Discovery) -> dict[str, Any]:
    masks = [mask.counts for mask in RunLengths.encode(found.masks)] if len(found) else []
    scores = [round(float(score), 4) for score in found.scores]
    return {"path": str(found.path), "size": found.image.shape[:2], "masks": masks, "scores": scores}


def _leave_out(_: object, fault: ImageError) -> None:
    _LOG.warning("Left out: %s", fault)


def _read(file: Path) -> list[PseudoMasks]:
    try:
        record = unsealed(file.read_bytes())
        if record is None:
            raise ValueError("its content does not match its digest")
        return [
            PseudoMasks(
                Path(row["path"]),
                tuple(RunLengths((row["size"][0], row["size"][1]), counts) for counts in row["masks"]),
                tuple(row["scores"]),
            )
            for row in record["rows"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise CheckpointError(f"{file} is damaged ({fault}); delete it to have it made again.") from fault
