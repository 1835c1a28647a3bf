"""What one optimiser step is: its photographs, its learning rate, its seed, its gradient.

Every step is a function of the weights, the seed, the step's number and the process alone. A run that was killed and
resumed therefore ends in the same weights, bit by bit, as one that was not (same machine and number of threads).
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float16
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam
from torch.utils.data import DataLoader, Sampler

from slotlight.config import TrainConfig
from slotlight.features.dataset import FeatureDataset
from slotlight.model.slot_model import SlotModel
from slotlight.training.state import TrainingState


def learning_rate(step: int, config: TrainConfig) -> float:
    """The learning rate of an optimiser step, counted from 0.

    It rises linearly, then falls by half over every ``halving_share`` of the steps (without jumps), or along a
    cosine to zero. The authors' release counts images here, not steps.

    Example:
        >>> config = TrainConfig(steps=100, warmup_share=0.1, decay="halving", halving_share=0.2)
        >>> [round(1e4 * learning_rate(step, config), 2) for step in (0, 9, 10, 30, 50)]
        [0.4, 4.0, 4.0, 2.0, 1.0]
    """
    warmup = round(config.warmup_share * config.steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    if config.decay == "halving":
        return config.learning_rate * math.exp2((warmup - step) / (config.halving_share * config.steps))
    done = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2


class BatchOrder(Sampler[list[int]]):
    """Which photographs each step sees: one random permutation after another, cut into batches.

    Args:
        count: Photographs there are.
        config: Its seed, steps and batch size.
        start: The first step.
        rank: Which of ``world`` processes asks; each gets its share of every batch.
        world: Number of processes.
    """

    def __init__(
        self, count: int, config: TrainConfig, *, start: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        self.count, self.config, self.start, self.rank, self.world = count, config, start, rank, world

    def __len__(self) -> int:
        return self.config.steps - self.start

    def __iter__(self) -> Iterator[list[int]]:
        permutation = lru_cache(2)(lambda epoch: _random(self.config.seed, epoch).permutation(self.count))
        size = self.config.batch_size
        for step in range(self.start, self.config.steps):
            places = range(step * size + self.rank, (step + 1) * size, self.world)
            yield [int(permutation(place // self.count)[place % self.count]) for place in places]


def _random(*seeds: int) -> np.random.Generator:
    return np.random.default_rng(seeds)


Loss = Callable[[Float[Tensor, "batch patch dim"]], Float[Tensor, ""]]


def compiled_loss(model: SlotModel) -> Loss:
    """The model's loss, compiled at its first batch: all have one size. What is drawn is drawn as without."""
    loss: Loss = torch.compile(model.loss, options={"fallback_random": True})
    return loss


class SlotTraining(LightningModule):
    """A `SlotModel` learning to reconstruct cached features.

    Adam without weight decay, after the paper; the gradient's norm is clipped.

    Attributes:
        model: What learns.
        sound: The last step whose gradient was finite, on the device: reading it waits for the device.
    """

    def __init__(
        self, model: SlotModel, dataset: FeatureDataset, config: TrainConfig, state: TrainingState | None
    ) -> None:
        super().__init__()
        self.model, self.dataset, self.config, self.state = model, dataset, config, state
        self.start = state.step if state else 0
        self.sound = torch.tensor(self.start)
        self.loss = compiled_loss(model) if config.compile else model.loss
        if state:
            state.restore_weights(model)

    @property
    def done(self) -> int:
        """Optimiser steps done, those before a resumption too."""
        return self.start + self.global_step

    def configure_optimizers(self) -> Adam:
        """Adam, where the run stood."""
        optimizer = Adam(self.model.parameters(), lr=self.config.learning_rate, fused=True)
        if self.state:
            self.state.restore_moments(self.model, optimizer)
        return optimizer

    def train_dataloader(self) -> DataLoader[Float16[Tensor, "batch patch dim"]]:
        """Batches of features, read from the mapped file."""
        order = BatchOrder(
            len(self.dataset),
            self.config,
            start=self.start,
            rank=self.global_rank,
            world=self.trainer.world_size,
        )
        on_gpu = self.device.type == "cuda"
        return DataLoader(self.dataset, batch_sampler=order, collate_fn=_as_is, pin_memory=on_gpu)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:  # noqa: ARG002
        """Set what the step depends on: its learning rate and its seed."""
        for group in self.optimizers().param_groups:  # type: ignore[union-attr]
            group["lr"] = learning_rate(self.done, self.config)
        torch.manual_seed(int(_random(self.config.seed, self.done, self.global_rank).integers(2**63)))

    def training_step(self, batch: Float16[Tensor, "batch patch dim"]) -> Float[Tensor, ""]:
        """The reconstruction's error."""
        return self.loss(batch.float())

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Clip the gradient's norm; note whether it is finite, without waiting for the device."""
        norm = clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.sound = torch.where(norm.isfinite(), self.done + 1, self.sound.to(norm.device))


def _as_is(batch: Any) -> Any:
    return batch
