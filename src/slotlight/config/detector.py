"""A detector that learns from the regions that partitions agree on, and how it learns."""

from dataclasses import dataclass

from slotlight.config.bounds import above, at_least, check_seed, in_unit_interval
from slotlight.config.choices import Precision
from slotlight.config.training import TrainConfig
from slotlight.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ProposalConfig:
    """Which partitions of a photograph vote for its regions (`slotlight.model.proposals`).

    Attributes:
        clusters: Each partition's number of clusters.
        temperatures: Of the graphs that are cut; each is cut into each number of clusters.
        same_above: Parts whose IoU is above this vote for one region.
        min_part: A cluster's connected parts are regions of their own; those smaller than this share of its largest
            are dropped as specks.
        most: Most regions in a photograph.
        detector_weight: How many partitions a detector that votes with them stands for, as a share of all; its votes
            count as its scores.
        detector_least: What it scores lower has no vote.
    """

    clusters: tuple[int, ...] = (4, 6, 8, 11)
    temperatures: tuple[float, ...] = (0.03, 0.05, 0.08)
    same_above: float = 0.6
    min_part: float = 0.1
    most: int = 30
    detector_weight: float = 0.25
    detector_least: float = 0.05

    def __post_init__(self) -> None:
        at_least(self, 1, "most")
        in_unit_interval(self, "detector_weight", "detector_least")
        if (
            not self.clusters
            or min(self.clusters) < 2
            or not self.temperatures
            or min(self.temperatures) <= 0
        ):
            raise ConfigError("Proposals need clusters of at least 2 and temperatures above 0.")
        if not (0 < self.same_above < 1 and 0 <= self.min_part <= 1):
            raise ConfigError("same_above must be between 0 and 1, and min_part in [0, 1].")


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """The network: torchvision's Mask R-CNN on the embedded backbone's stages, with small heads.

    Attributes:
        image_size: A photograph is read at about this many pixels squared.
        width: Channels of the pyramid and of the mask head.
        hidden: Width of the box head.
        anchors: Sides of the anchors in pixels, one for each level of the pyramid, finest first.
        overlap: Largest IoU of two objects' boxes.
        most: Most objects in a photograph.
    """

    image_size: int = 288
    width: int = 128
    hidden: int = 512
    anchors: tuple[int, ...] = (24, 48, 96, 192)
    overlap: float = 0.5
    most: int = 100

    def __post_init__(self) -> None:
        at_least(self, 32, "image_size")
        at_least(self, 1, "width", "hidden", "most")
        if len(self.anchors) != 4 or min(self.anchors) < 1:
            raise ConfigError(f"anchors are {self.anchors}; give four sides in pixels, one for each level.")
        if not 0 < self.overlap <= 1:
            raise ConfigError(f"overlap is {self.overlap}; it must be above 0 and at most 1.")


@dataclass(frozen=True, kw_only=True)
class DistilConfig:
    """How a detector learns from a model's own regions, without a label.

    Attributes:
        rounds: Number of trainings; each after the first also learns from the confident predictions of the one before.
        steps: Optimiser steps of each round.
        batch_size: Photographs per step.
        learning_rate: AdamW's learning rate after the warm-up; it then falls to zero along a cosine.
        warmup_share: Share of the steps over which it rises linearly from zero.
        weight_decay: AdamW's weight decay.
        gradient_clip: Largest norm of the gradient.
        sizes: Photographs are read at one of these sizes (pixels squared), chosen at random for each step.
        min_votes: Regions with a smaller share of the votes are not used.
        most_regions: Most regions used per photograph, the best first.
        train_backbone: Whether the backbone learns, too; otherwise only what stands on it does, in half the time.
        paste_share: Share of the photographs into which instances of others are pasted.
        sure_above: Predictions with a higher score are used in the next round.
        precision: Precision of the forward pass; weights stay in fp32.
        checkpoint_every: Steps between checkpoints; at most two minutes pass between them.
        seed: Seed of the initial weights, the order of photographs and what is pasted where.
    """

    rounds: int = 1
    steps: int = 1700
    batch_size: int = 8
    learning_rate: float = 5e-4
    warmup_share: float = 0.05
    weight_decay: float = 0.05
    gradient_clip: float = 5.0
    sizes: tuple[int, ...] = (224, 256, 288)
    min_votes: float = 0.4
    most_regions: int = 3
    train_backbone: bool = False
    paste_share: float = 0.5
    sure_above: float = 0.6
    precision: Precision = "fp32"
    checkpoint_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "rounds", "steps", "batch_size", "most_regions", "checkpoint_every")
        above(self, 0, "learning_rate", "gradient_clip")
        at_least(self, 0, "weight_decay")
        check_seed(self.seed)
        if not self.sizes or min(self.sizes) < 64:
            raise ConfigError(f"sizes are {self.sizes}; each must be at least 64 pixels.")
        in_unit_interval(self, "warmup_share", "min_votes", "paste_share", "sure_above")

    @property
    def schedule(self) -> TrainConfig:
        """The steps, batches, learning rate and checkpoints of a round, as any training has them."""
        names = ("steps", "batch_size", "learning_rate", "warmup_share", "checkpoint_every", "seed")
        return TrainConfig(decay="cosine", **{name: getattr(self, name) for name in names})
