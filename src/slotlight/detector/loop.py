"""One round of a detector's training, read from top to bottom.

As with slots, a step is a function of the weights, the seed and the step's number alone, so that a run that was killed
and goes on ends in the same weights (same machine and number of threads).
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torchvision.models.detection import MaskRCNN

from slotlight.config import DistilConfig
from slotlight.detector.examples import Example, step_examples
from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.errors import TrainingError
from slotlight.parallel import map_ahead, worker_pool
from slotlight.training.batches import BatchOrder
from slotlight.training.schedule import learning_rate
from slotlight.training.state import TrainingState
from slotlight.training.steps import TrainingSteps, step_seed

AHEAD = 3
"""Steps whose examples are prepared beside the one that is computed."""


def fit_detector(
    network: MaskRCNN,
    pseudo: Sequence[PseudoMasks],
    out: Path,
    config: DistilConfig,
    *,
    device: torch.device,
    run: str,
    number: int,
    state: TrainingState | None,
    state_path: Path,
) -> None:
    """Train a detector for a round, in place.

    Args:
        network: Of `slotlight.detector.network.build_detector`, on the device.
        pseudo: What it learns from; photographs without a region are left out.
        out: Where the logs go.
        config: How it learns.
        device: Where.
        run: What identifies the run and its round in its state.
        number: Of the round, from 0.
        state: Where the round stands; None to begin.
        state_path: Where the state is kept.

    Raises:
        TrainingError: No photograph has a region that is sure enough, or a gradient is not finite.
        OutputError: The state cannot be saved.
    """
    taught = [one for one in pseudo if one.masks]
    if not taught:
        raise TrainingError(
            f"No region has {config.min_votes} of the votes; lower --min-votes or give more photographs."
        )
    network.train()
    network.backbone.network.train(config.train_backbone).requires_grad_(config.train_backbone)
    learning = [weights for weights in network.parameters() if weights.requires_grad]
    optimizer = AdamW(learning, lr=config.learning_rate, weight_decay=config.weight_decay)
    if state:
        state.restore(network, optimizer)
    start = state.step if state else 0
    if start == config.steps:
        return
    with (
        TrainingSteps(
            *(f"round {number + 1}", network, optimizer, config.schedule),
            start=start,
            run=run,
            state=state_path,
            logs=out / f"logs/round_{number + 1}_from_step_{start}",
        ) as steps,
        closing(_batches(taught, config, start, number)) as batches,
    ):
        steps.say(
            f"Round {number + 1} of {config.rounds} takes {config.steps:,} steps of {config.batch_size} photographs, "
            f"from {len(taught):,} with {sum(len(one.masks) for one in taught):,} regions."
        )
        for step, examples in steps.over(batches):
            optimizer.param_groups[0]["lr"] = learning_rate(step, config.schedule)
            torch.manual_seed(step_seed(config.seed + number, step))
            optimizer.zero_grad()
            loss = detection_loss(network, examples, device, config)
            loss.backward()
            norm = clip_grad_norm_(learning, config.gradient_clip)
            optimizer.step()
            steps.count(loss, norm)


def detection_loss(
    network: nn.Module, examples: Sequence[Example], device: torch.device, config: DistilConfig
) -> Tensor:
    """The sum of Mask R-CNN's five losses."""
    images = [example.image.to(device) for example in examples]
    targets = [{name: value.to(device) for name, value in one.targets().items()} for one in examples]
    with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        losses: dict[str, Tensor] = network(images, targets)
    return torch.stack([loss.float() for loss in losses.values()]).sum()


def _batches(
    pseudo: Sequence[PseudoMasks], config: DistilConfig, start: int, number: int
) -> Generator[list[Example], None, None]:
    """The examples of each step, prepared in threads beside the training."""

    def prepare(numbered: tuple[int, list[int]]) -> list[Example]:
        step, places = numbered
        rng = np.random.default_rng((config.seed, number, step))
        chosen = [pseudo[place] for place in places]
        return step_examples(chosen, int(rng.choice(config.sizes)), config, rng)

    key = lambda epoch: (config.seed, number, epoch, 1)  # noqa: E731
    order = BatchOrder(len(pseudo), config.schedule, start=start, key=key)
    with worker_pool() as pool:
        yield from map_ahead(pool, prepare, enumerate(order, start), ahead=AHEAD)
