"""Several trainings of one model as one row of a table: seed i is measured on the i-th of them.

The deviation over seeds is then that of training, not of what a trained model draws.
"""

from collections.abc import Sequence
from os.path import commonprefix
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import ConfigError
from slotlight.files import digest
from slotlight.model.checkpoint import load_model
from slotlight.model.segmenter import ModelSegmenter
from slotlight.segmenter import Segmenter, SlotMasks


class Trainings:
    """Trainings that differ in their seeds alone, as a `slotlight.segmenter.Segmenter`.

    Args:
        trainings: Models of one config on one backbone, all under the name that the table shows.

    Raises:
        ConfigError: They differ in more than their weights.
    """

    is_seeded = True

    def __init__(self, trainings: Sequence[ModelSegmenter]) -> None:
        self.trainings, first = trainings, trainings[0]
        for other in trainings[1:]:
            same = other.model.config == first.model.config and other.calibration == first.calibration
            if not same or other.backbone.fingerprint() != first.backbone.fingerprint():
                raise ConfigError(
                    f"The trainings {first.name!r} are not of the same model: they differ in their settings or their "
                    "backbone; name them one by one."
                )
        self.name, self.image_size, self.patch_size = first.name, first.image_size, first.patch_size
        self.calibration = first.calibration

    @property
    def backbone(self) -> Backbone:
        """The one that all of them read."""
        return self.trainings[0].backbone

    @property
    def device(self) -> torch.device:
        """Where they live."""
        return self.trainings[0].device

    def fingerprint(self) -> str:
        """See `slotlight.segmenter.Segmenter`."""
        return digest([training.fingerprint() for training in self.trainings])

    def controls(self) -> Sequence[Segmenter]:
        """Those of the first training: only its start before training differs from one to the next."""
        return self.trainings[0].controls()

    def segment(self, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0) -> SlotMasks:
        """See `slotlight.segmenter.Segmenter`."""
        return self.trainings[seed % len(self.trainings)].segment(images, seed=seed)


def load_trainings(
    folders: Sequence[Path],
    *,
    weights: Path | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
) -> Trainings:
    """Load model folders as one row, called by what their names begin with.

    Raises:
        ConfigError: They are not trainings of one model.
        CheckpointError: A folder is not a model.
    """
    names = [folder.name for folder in folders]
    name = commonprefix(names).rstrip("-_. ") or ",".join(names)  # noqa: RUF071 - characters are meant
    return Trainings(
        [
            load_model(folder, name=name, weights=weights, device=device, precision=precision)
            for folder in folders
        ]
    )
