"""What a study has to train: arms × seeds, each different training once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slotlight.config import FusionKind, ModelConfig, TrainConfig
from slotlight.errors import ConfigError
from slotlight.studies.declaration import DETECTOR, Arm

_TAUGHT = {"linear": (1000, 1e-2), "mask": (500, 1e-3)}
"""Most steps and the learning rate of heads that learn from labels, chosen on the development fifth."""


@dataclass(frozen=True)
class Training:
    """One model that is trained.

    Attributes:
        folder: What its folder is called: after the first arm that reads it.
        model: What is trained.
        training: How, its seed included.
        first: What is trained before it and named as its first stage.
        learner: What learns from labels in place of slots; see `Arm`.
        domain: The photographs that train it; see `Arm`.
    """

    folder: str
    model: ModelConfig
    training: TrainConfig
    first: "Training | None" = None
    learner: str | None = None
    domain: str | None = None

    @property
    def stages(self) -> "tuple[Training, ...]":
        """All that is trained, in order."""
        return (*(self.first.stages if self.first else ()), self)


@dataclass(frozen=True)
class Reading:
    """One arm's model of one seed.

    Attributes:
        arm: The arm.
        number: Of the seed, from 0.
        model: The arm's own config.
        training: Where its weights come from; other arms may read the same.
    """

    arm: Arm
    number: int
    model: ModelConfig
    training: Training

    @property
    def name(self) -> str:
        """What the evaluation calls it."""
        return f"{self.arm.name}, seed {self.training.training.seed}"


def plan(
    arms: Sequence[Arm], model: ModelConfig, training: TrainConfig, trainings: int
) -> tuple[Reading, ...]:
    """Every arm's model of every seed, from the training's own seed on.

    Example:
        >>> from slotlight.studies.matching import MATCHING
        >>> readings = plan(MATCHING.arms, ModelConfig(), TrainConfig(), trainings=3)
        >>> len(readings), len({reading.training for reading in readings})
        (27, 3)
    """
    known: dict[Training, Training] = {}  # without its folder → with that of the first arm that reads it
    readings = []
    for arm in arms:
        own, before = arm.change(model), arm.first and arm.first(model)
        if any(one and one.backbone != model.backbone for one in (own, before)):
            raise ConfigError(f"The arm {arm.name!r} changes the backbone, whose features all arms share.")
        for number in range(1 if arm.learner == DETECTOR else trainings):
            seed = training.seed + number
            trained = as_trained(own)
            folder = f"{re.sub(r'[^a-z0-9.]+', '-', arm.name.lower()).strip('-')}-seed-{seed}"
            with_seed = replace(as_taught(training, arm.learner) if arm.learner else training, seed=seed)
            first = Training(f"{folder}-first", as_trained(before), with_seed) if before else None
            own_training = Training(folder, trained, with_seed, first, arm.learner, arm.domain)
            shared = known.setdefault(_nameless(own_training), own_training)
            readings.append(Reading(arm, number, own, shared))
    return tuple(readings)


def _nameless(training: Training) -> Training:
    return replace(training, folder="", first=training.first and _nameless(training.first))


def as_taught(training: TrainConfig, learner: str) -> TrainConfig:
    """How a head learns from labels: it is small, and needs fewer steps than slots."""
    most, rate = _TAUGHT.get(learner, (1, training.learning_rate))
    return replace(
        training, steps=min(training.steps, most), learning_rate=rate, decay="cosine", first_stage=None
    )


def as_trained(model: ModelConfig) -> ModelConfig:
    """A model without what only its reading knows: how slots are fused, whose masks become objects."""
    fusion: FusionKind = "learned" if model.objective == "alignment" else "hungarian"
    # A teacher's masks are what its student learns: they do not depend on how a model is read.
    masks = model.masks_from if model.decoder.kind == "transformer" else "attention"
    return replace(model, fusion=fusion, reference="agreed", masks_from=masks)


def as_read(trained: ModelConfig, arm: ModelConfig) -> ModelConfig:
    """A trained model as an arm reads it."""
    return replace(trained, fusion=arm.fusion, reference=arm.reference, masks_from=arm.masks_from)
