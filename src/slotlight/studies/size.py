"""How large a study is, said before it starts: trainings, steps, photographs, and hours at the speed measured here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.optim import Adam

from slotlight.config import ModelConfig, TrainConfig
from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import SlotlightError
from slotlight.evaluation.protocols import Protocol
from slotlight.evaluation.runner import by_view, prepare
from slotlight.features.dataset import FeatureCache, FeatureDataset
from slotlight.model.slot_model import build_slot_model
from slotlight.progress import in_words
from slotlight.training.first_stage import Teacher

_UNTIMED, _TIMED = 1, 2


@dataclass(frozen=True)
class Size:
    """What is left to do.

    Attributes:
        trainings: How many are not finished.
        steps: Of all of them.
        training_s: What their steps take, in seconds.
        photographs: Times that some model looks at some photograph.
        photograph_s: What one of these takes, in seconds.
    """

    trainings: int
    steps: int
    training_s: float
    photographs: int
    photograph_s: float

    @property
    def seconds(self) -> float:
        """What everything takes."""
        return self.training_s + self.photographs * self.photograph_s

    def in_words(self) -> str:
        """One sentence.

        Example:
            >>> Size(9, 1800, 180.0, 480, 0.1).in_words()
            '9 trainings (1,800 steps), then 480 photographs to measure: about 3.8 minutes at the speed measured here.'
        """
        hours = in_words(self.seconds) if self.seconds >= 600 else f"{self.seconds / 60:.1f} minutes"
        return (
            f"{self.trainings:,} trainings ({self.steps:,} steps), then {self.photographs:,} photographs to measure: "
            f"about {hours} at the speed measured here."
        )


def seconds_a_step(
    model: ModelConfig, training: TrainConfig, features: FeatureCache, dim: int, device: torch.device
) -> float:
    """What a training step takes: the least of a few."""
    rows = [index % len(features.photographs) for index in range(training.batch_size)]
    batch = FeatureDataset(features).__getitems__(rows).to(device).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        slots = build_slot_model(model, dim, features.grid).to(device)
        teacher = Teacher(slots) if model.objective == "distillation" else None  # one of the same size
        optimizer = Adam(slots.parameters(), lr=training.learning_rate, fused=True)
        seconds = []
        for _ in range(_UNTIMED + _TIMED):
            started = time.perf_counter()
            optimizer.zero_grad()
            labels = teacher(batch) if teacher else None
            slots.loss(batch, labels).backward()
            optimizer.step()
            if device.type != "cpu":
                torch.accelerator.synchronize(device)
            seconds.append(time.perf_counter() - started)
    return min(seconds[_UNTIMED:])


def seconds_a_photograph(discoverer: Discoverer, dataset: Dataset, protocols: Sequence[Protocol]) -> float:
    """What finding and measuring the objects of a photograph takes; 0 where the first cannot be read."""
    seconds = 0.0
    for group in by_view(protocols):
        for _ in range(2):  # the first is slower
            started = time.perf_counter()
            prepared = prepare(dataset, 0, group)
            if prepared.image is None:
                return 0.0
            found = discoverer.discover(prepared.image)
            for protocol, labels in prepared.labels.items():
                try:
                    protocol.measure(found, labels)
                except SlotlightError:
                    return 0.0
            last = time.perf_counter() - started
        seconds += last
    return seconds
