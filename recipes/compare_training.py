"""What is compared, and how each pair of method and network is trained: in as many steps as cost the same time."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from compare_networks import SIDE, convnet, plain_vit, stem_vit
from image_contrast import ImageContrast
from masked_autoencoder import MaskedAutoencoder
from masked_painting import MaskedPainting
from neighbour_contrast import NeighbourContrast
from photo_views import PLAIN, RandomViews, ViewSpec
from pretraining import hold_then_fall
from self_distillation import PatchDistillation, SelfDistillation

_WARM_UP, _FALL = 0.05, 0.25  # shares of all steps
_UNTIMED, _TIMED = 2, 6  # steps
_WEIGHT_DECAY, _LARGEST_GRADIENT = 0.05, 3.0
_TEMPERATURE = 0.1
_COLOURFUL = ViewSpec(side=SIDE)


@dataclass(frozen=True)
class Method:
    """A way to learn without labels.

    Attributes:
        name: As tables call it.
        objective: A network → a module with that ``network`` in it, from a pair of views to a loss.
        views: How views are drawn.
    """

    name: str
    objective: Callable[[Any], nn.Module]
    views: ViewSpec = _COLOURFUL


@dataclass(frozen=True)
class Architecture:
    """A network that learns.

    Attributes:
        name: As tables call it.
        build: Makes one with new weights.
        batch: Photographs in a step; a slower network gets fewer, so that it takes enough steps.
        learning_rate: Of AdamW, for all methods.
    """

    name: str
    build: Callable[[], nn.Module]
    batch: int
    learning_rate: float


@dataclass(frozen=True)
class Pair:
    """A row of the comparison: how what learns."""

    method: Method
    architecture: Architecture

    @property
    def name(self) -> str:
        """What its folder and its row are called."""
        return f"{self.method.name}, {self.architecture.name}"


@dataclass(frozen=True)
class Cost:
    """What a training took and how far it came.

    Attributes:
        step_ms: Processor time of one step on one thread, the making of views included, in milliseconds.
        steps: Optimiser steps.
        views: Views of a photograph that were seen, windows of them not counted.
        first_loss: Mean over the first tenth of the steps; losses of two methods cannot be compared.
        last_loss: Mean over the last tenth.
    """

    step_ms: float = 0
    steps: int = 0
    views: int = 0
    first_loss: float | None = None
    last_loss: float | None = None


def dense_contrast(reach: float, tone: float = math.inf) -> Callable[[Any], nn.Module]:
    """The embedded backbone's loss at some reach and tone."""
    return lambda network: NeighbourContrast(network, reach=reach, tone=tone, temperature=_TEMPERATURE)


DENSE = Method("dense contrast (reach 0)", dense_contrast(0))
NEIGHBOURS = Method("neighbour contrast (reach 0.15)", dense_contrast(0.15))
OF_ONE_COLOUR = Method("neighbour contrast of one colour (reach 0.5, tone 0.12)", dense_contrast(0.5, 0.12))
IMAGES = Method("image contrast (NT-Xent)", ImageContrast)
DINO = Method("self-distillation (DINO)", SelfDistillation)
IBOT = Method("self-distillation (DINO + iBOT)", PatchDistillation)
SIMMIM = Method("masked painting (SimMIM)", MaskedPainting, PLAIN)
MAE = Method("masked autoencoding (MAE)", MaskedAutoencoder, PLAIN)

CONVNET = Architecture("ConvNet", convnet, batch=32, learning_rate=2e-3)
PLAIN_VIT = Architecture("plain ViT", plain_vit, batch=16, learning_rate=1e-3)
STEM_VIT = Architecture("ViT with a stem", stem_vit, batch=16, learning_rate=1e-3)

PAIRS = (
    *(Pair(method, CONVNET) for method in (OF_ONE_COLOUR, NEIGHBOURS, DENSE, IMAGES, DINO, SIMMIM)),
    *(Pair(method, PLAIN_VIT) for method in (NEIGHBOURS, IBOT, MAE)),
    Pair(NEIGHBOURS, STEM_VIT),
)
ARCHITECTURES = (CONVNET, PLAIN_VIT, STEM_VIT)


def seconds_a_step(pair: Pair, photos: UInt8[Tensor, "photo side side 3"], *, bf16: bool) -> float:
    """Processor time of a training step, views included: the least of several, as an idle core would need it."""
    run = _Run(pair, photos, seed=0, bf16=bf16)
    marks = []
    for step in range(_UNTIMED + _TIMED + 1):
        marks.append(time.process_time())
        run.step(step, rate=0.0)
    return min(after - before for before, after in pairwise(marks[_UNTIMED:]))


def train(
    pair: Pair,
    photos: UInt8[Tensor, "photo side side 3"],
    step_seconds: float,
    *,
    seconds: float,
    seed: int,
    bf16: bool,
) -> tuple[nn.Module, Cost]:
    """Train a new network in the steps that a time holds.

    Args:
        pair: What to train, and how.
        photos: What it sees.
        step_seconds: What a step costs, from `seconds_a_step`.
        seconds: What all steps may cost.
        seed: Decides weights, views and masks.
        bf16: Whether the forward pass runs in bfloat16.
    """
    run = _Run(pair, photos, seed=seed, bf16=bf16)
    steps = max(1, round(seconds / step_seconds))
    highest = pair.architecture.learning_rate
    losses = torch.stack([run.step(step, learning_rate(highest, step / steps)) for step in range(steps)])
    tenth = max(1, steps // 10)
    first, last = losses[:tenth].mean().item(), losses[-tenth:].mean().item()
    return run.network, Cost(1000 * step_seconds, steps, 2 * run.views.batch * steps, first, last)


def new_network(architecture: Architecture, seed: int) -> nn.Module:
    """A network as it is born: what all methods begin with."""
    torch.manual_seed(seed)
    return architecture.build()


def learning_rate(highest: float, progress: float) -> float:
    """Linear warm-up, then constant, then linear to zero over the last quarter of the steps.

    Example:
        >>> [learning_rate(1.0, progress) for progress in (0.025, 0.5, 0.875)]
        [0.5, 1.0, 0.5]
    """
    return highest * hold_then_fall(progress, 1 - progress, warmup=_WARM_UP, fall=_FALL)


class _Run:
    """A network, its objective and its optimiser."""

    def __init__(self, pair: Pair, photos: Tensor, *, seed: int, bf16: bool) -> None:
        random.seed(seed)  # lightly draws masks of blocks with it
        self.network, self.bf16 = new_network(pair.architecture, seed), bf16
        self.objective = pair.method.objective(self.network).train()
        self.objective = self.objective.to(memory_format=torch.channels_last)
        self.views = RandomViews(photos, pair.architecture.batch, seed, pair.method.views)
        self.learnt = [weight for weight in self.objective.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.learnt, weight_decay=_WEIGHT_DECAY)

    def step(self, index: int, rate: float) -> Float[Tensor, ""]:
        """One step; its loss."""
        self.optimizer.param_groups[0]["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            loss: Tensor = self.objective(self.views[index])
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learnt, _LARGEST_GRADIENT)
        self.optimizer.step()
        return loss.detach()
