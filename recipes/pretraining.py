"""One network's training without labels: its numbers, its state, and how it survives being killed.

The schedule holds the learning rate until the last quarter, so that as long as this has not begun, going on with
another number of steps also gives what a fresh run of that length would have given.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader

from compare_networks import TokenMaps
from feature_distillation import FeatureDistillation
from masked_autoencoder import MaskedAutoencoder
from masked_painting import MaskedPainting
from neighbour_contrast import NeighbourContrast
from photo_views import PLAIN, RandomViews, ViewPair, ViewSpec
from reduction import REDUCED
from self_distillation import SelfDistillation
from slotlight.config import TrainConfig
from slotlight.training.state import STATE, load_state
from slotlight.training.steps import TrainingSteps

_WARM_UP, _FALL = 50, 0.25  # steps; share of all steps


@dataclass(frozen=True)
class Pretraining(ABC):
    """The numbers of a run.

    Attributes:
        steps: Optimiser steps.
        batch: Photographs in a step; each gives two views.
        learning_rate: Of AdamW, after the warm-up.
        weight_decay: Of AdamW.
        seed: Decides weights, order, views and masks.
        save_every: Steps between checkpoints.
        views: How views are drawn.
    """

    steps: int = 3500
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    seed: int = 0
    save_every: int = 50
    views: ViewSpec = field(default_factory=ViewSpec)

    @abstractmethod
    def objective(self, network: Any) -> nn.Module:
        """A module with that ``network`` in it, from a pair of views to a loss."""


@dataclass(frozen=True)
class Contrast(Pretraining):
    """By contrast of near places of one colour.

    Attributes:
        reach: See `NeighbourContrast`.
        tone: See `NeighbourContrast`.
        stray: See `NeighbourContrast`.
        temperature: See `NeighbourContrast`.
    """

    reach: float = 0.5
    tone: float = 0.12
    stray: float = 0.05
    temperature: float = 0.1

    def objective(self, network: Any) -> nn.Module:
        """See `NeighbourContrast`."""
        return NeighbourContrast(
            network, reach=self.reach, tone=self.tone, stray=self.stray, temperature=self.temperature
        )


@dataclass(frozen=True)
class Painting(Pretraining):
    """By painting what is masked.

    Attributes:
        ratios: See `MaskedPainting`.
    """

    views: ViewSpec = field(default_factory=lambda: PLAIN)
    ratios: tuple[float, float] = (0.0, 0.75)

    def objective(self, network: Any) -> nn.Module:
        """See `MaskedPainting`."""
        return MaskedPainting(network, ratios=self.ratios)


@dataclass(frozen=True)
class Autoencoding(Pretraining):
    """By masked autoencoding, of a ViT."""

    learning_rate: float = 1e-3
    views: ViewSpec = field(default_factory=lambda: PLAIN)

    def objective(self, network: Any) -> nn.Module:
        """See `MaskedAutoencoder`."""
        return MaskedAutoencoder(TokenMaps(network))


@dataclass(frozen=True)
class Prototypes(Pretraining):
    """By self-distillation, of a ConvNet."""

    def objective(self, network: Any) -> nn.Module:
        """See `SelfDistillation`."""
        return SelfDistillation(network)


@dataclass(frozen=True)
class Distillation(Pretraining):
    """By telling what teachers see.

    Attributes:
        groups: Groups of teachers.
        numbers: What each group's features are reduced to.
        mirrored: Whether teachers see each photograph a second time, mirrored, and say what they see on average.
    """

    views: ViewSpec = field(default_factory=lambda: ViewSpec(points=64, jitter=0.5, grey=0.1, blur=0.2))
    groups: int = 1
    numbers: int = REDUCED
    mirrored: bool = False

    def objective(self, network: Any) -> nn.Module:
        """See `FeatureDistillation`."""
        return FeatureDistillation(network, self.groups * self.numbers)


def pretrain(
    objective: nn.Module,
    photos: UInt8[Tensor, "photo side side 3"],
    how: Pretraining,
    out: Path,
    looks: Float[Tensor, "photo dim rows columns"] | None = None,
) -> None:
    """Train an objective's network on photographs, on the device where they lie.

    A killed run is resumed, a finished one is only loaded.

    Args:
        objective: Of `Pretraining.objective`.
        photos: What it sees.
        how: All numbers.
        out: Where the state and the logs go.
        looks: See `RandomViews`.

    Raises:
        SystemExit: The run in the folder has other numbers.
    """
    out.mkdir(parents=True, exist_ok=True)
    objective = objective.to(device=photos.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = AdamW(objective.parameters(), how.learning_rate, weight_decay=how.weight_decay)
    start = _resume(objective, optimizer, how, out / STATE)
    if start < how.steps:
        views = RandomViews(photos, how.batch, how.seed, how.views, looks)
        _fit(objective, optimizer, _batches(views, start, how.steps), how, out, start)
    objective.eval().cpu()


def _resume(objective: nn.Module, optimizer: Optimizer, how: Pretraining, file: Path) -> int:
    """Restore what a run has saved; the number of its steps."""
    if not file.exists():
        return 0
    state = load_state(file)
    if state.run != _same(how):
        raise SystemExit(f"{file} is of another recipe; choose another --out, or these numbers: {state.run}")
    state.restore(objective, optimizer)
    return state.step


def _batches(views: RandomViews, first: int, steps: int) -> Iterator[ViewPair]:
    """The views of the steps still to do; on a CPU made by another process meanwhile."""
    workers = 1 if views.photos.device.type == "cpu" else 0
    return iter(DataLoader(views, batch_size=None, sampler=range(first, steps), num_workers=workers))


def _fit(
    objective: nn.Module,
    optimizer: Optimizer,
    batches: Iterator[ViewPair],
    how: Pretraining,
    out: Path,
    start: int,
) -> None:
    objective.train()
    config = TrainConfig(
        steps=how.steps, learning_rate=how.learning_rate, checkpoint_every=how.save_every, seed=how.seed
    )
    with TrainingSteps(
        *(out.name, objective, optimizer, config),
        start=start,
        run=_same(how),
        state=out / STATE,
        logs=out / f"logs/from_step_{start}",
    ) as steps:
        for step, pair in steps.over(batches):
            optimizer.param_groups[0]["lr"] = learning_rate(how, step)
            torch.manual_seed(
                how.seed + step
            )  # for what the objective draws, such as masks: of the step alone
            with torch.autocast(pair.views.device.type, torch.bfloat16):
                loss: Tensor = objective(pair)
            optimizer.zero_grad()
            loss.backward()
            norm = get_total_norm(weight.grad for weight in objective.parameters() if weight.grad is not None)
            optimizer.step()
            steps.count(loss, norm)


def learning_rate(how: Pretraining, step: int) -> float:
    """Linear warm-up, then constant, then linear to zero over the last quarter."""
    return how.learning_rate * hold_then_fall(
        step + 1, how.steps - step, warmup=_WARM_UP, fall=how.steps * _FALL
    )


def _same(how: Pretraining) -> str:
    """What two runs must share for one to go on with the other's weights."""
    same: dict[str, Any] = asdict(replace(how, steps=0, save_every=0))
    return json.dumps(same)


def hold_then_fall(
    done: int | float, left: int | float, *, warmup: int | float, fall: int | float
) -> int | float:
    """The share of the highest learning rate: a linear rise, then constant, then a linear fall to zero.

    As long as the fall has not begun, a run of another length has the same rates.

    Args:
        done: What was done of the run, in any unit.
        left: What is left of it.
        warmup: How long the rise takes.
        fall: How long the fall takes.

    Example:
        >>> [hold_then_fall(done, 100 - done, warmup=10, fall=25) for done in (5, 50, 95)]
        [0.5, 1, 0.2]
    """
    return min(done / warmup, 1, left / fall)
