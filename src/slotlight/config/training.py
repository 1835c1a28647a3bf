"""How a model is trained."""

from dataclasses import dataclass
from pathlib import Path

from slotlight.config.bounds import above, at_least, check_seed, in_unit_interval
from slotlight.config.choices import Decay, FeatureSource, Precision
from slotlight.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained on features.

    Attributes:
        steps: Optimiser steps.
        batch_size: Photographs per step.
        learning_rate: Adam's learning rate after the warm-up.
        warmup_share: Share of the steps over which it rises linearly from zero.
        decay: How it falls after the warm-up: ``halving`` every ``halving_share`` of the steps, ``cosine`` to
            zero, or ``release`` as the authors' code computes it (`slotlight.training.schedule`).
        halving_share: See ``decay``.
        gradient_clip: Largest norm of the gradient.
        precision: Precision of the forward pass; weights stay in fp32.
        compile: Compile the step with `torch.compile`: a slow start, then faster steps.
        features: ``cache`` computes those of all photographs once and keeps them on disk; ``stream`` computes a batch's
            at every step, for sets too large for that.
        devices: Number of devices of a machine, each with a process of its own.
        nodes: Number of machines; on each the same command is started with ``MASTER_ADDR``, ``MASTER_PORT`` and its
            ``NODE_RANK``. They share the folders of the model and of the features.
        checkpoint_every: Steps between checkpoints, which are at most two minutes apart.
        first_stage: A model folder, trained before: the teacher of the objective ``distillation``, or the model whose
            heads the objective ``alignment`` learns to fuse.
        seed: Seed of the initial weights, the order of photographs and the slots' noise.
    """

    steps: int = 20_000
    batch_size: int = 32
    learning_rate: float = 4e-4
    warmup_share: float = 0.02
    decay: Decay = "cosine"
    halving_share: float = 0.02
    gradient_clip: float = 1.0
    precision: Precision = "fp32"
    compile: bool = False
    features: FeatureSource = "cache"
    devices: int = 1
    nodes: int = 1
    checkpoint_every: int = 500
    first_stage: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch_size", "devices", "nodes", "checkpoint_every")
        above(self, 0, "learning_rate", "gradient_clip", "halving_share")
        check_seed(self.seed)
        in_unit_interval(self, "warmup_share")
        if self.batch_size % self.processes:
            raise ConfigError(
                f"A batch of {self.batch_size} cannot be shared evenly between {self.processes} devices; "
                f"choose a multiple of {self.processes}."
            )

    @property
    def processes(self) -> int:
        """How many share every batch."""
        return self.devices * self.nodes
