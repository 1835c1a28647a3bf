"""How a study is run. Imports nothing slow, so that a command line can be built from it."""

from dataclasses import dataclass, replace

from slotlight.config import ModelConfig, TrainConfig
from slotlight.config.bounds import at_least
from slotlight.evaluation.options import OnError

FULL_SEEDS, QUICK_SEEDS = 5, 3
QUICK_PHOTOGRAPHS, QUICK_MEASURED = 96, 32
MOST_TAUGHT = 1000
"""Photographs whose labels teach."""

_QUICK_STEPS, _QUICK_BATCH, _QUICK_SIDE = 300, 8, 160


@dataclass(frozen=True)
class StudyOptions:
    """How large a study is.

    Attributes:
        quick: Answer in minutes: few photographs read small, short trainings of small layers, three seeds, fewer arms.
            Every heading says so.
        seeds: Trainings of each arm; without it, five, or three with ``quick``.
        limit: Measure on only this many photographs, from the first; without it, on all, or on 32 with ``quick``.
        batch_size: Photographs per batch in measuring.
        on_error: Stop at a photograph or label that cannot be measured, or skip it and list why.
        detector: For the study ``supervised``: weights of torchvision's Mask R-CNN or Faster R-CNN, a file or a name of
            its own, such as MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.
        domains: For the study ``shift``: photographs of one kind each, as NAME=FOLDER. A model is trained on each,
            beside the one that is trained on all.
    """

    quick: bool = False
    seeds: int | None = None
    limit: int | None = None
    batch_size: int = 8
    on_error: OnError = "stop"
    detector: str | None = None
    domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = (name for name in ("seeds", "limit") if getattr(self, name) is not None)
        at_least(self, 1, "batch_size", *given)

    @property
    def trainings(self) -> int:
        """Trainings of each arm."""
        return self.seeds or (QUICK_SEEDS if self.quick else FULL_SEEDS)

    @property
    def measured(self) -> int | None:
        """Photographs that are measured at most."""
        return self.limit or (QUICK_MEASURED if self.quick else None)

    @property
    def taught(self) -> int:
        """Photographs whose labels teach at most, where some arm learns from labels."""
        return QUICK_PHOTOGRAPHS if self.quick else MOST_TAUGHT


def shortened(model: ModelConfig, training: TrainConfig) -> tuple[ModelConfig, TrainConfig]:
    """A model and its training as ``quick`` takes them: smaller where they are larger.

    Example:
        >>> model, training = shortened(ModelConfig(), TrainConfig())
        >>> model.backbone.image_size, training.steps
        (160, 300)
    """
    slots, decoder = model.slots, model.decoder
    width = slots.projection_hidden
    small = replace(
        model,
        backbone=replace(model.backbone, image_size=min(model.backbone.image_size, _QUICK_SIDE)),
        slots=replace(
            slots, projection_hidden=width and min(width, 256), mlp_hidden=min(slots.mlp_hidden, 128)
        ),
        decoder=replace(
            decoder,
            hidden=min(decoder.hidden, 256),
            layers=min(decoder.layers, 2),
            patch_share=1.0 if decoder.kind == "transformer" else min(decoder.patch_share, 0.25),
        ),
    )
    return small, replace(
        training,
        steps=min(training.steps, _QUICK_STEPS),
        batch_size=min(training.batch_size, _QUICK_BATCH),
    )
