"""The training loop: an optimiser step, read from top to bottom.

Every step is a function of the weights, the seed and the step's number alone. A run that was killed and resumed
therefore ends in the same weights, bit by bit, as one that was not (same machine and number of threads); and one that
several processes share ends in those of one process, to rounding (but with the objective ``agreement``, whose loss is a
mean over what the heads agree on in a process's part of the batch).
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Float
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam

from slotlight.config import Precision, TrainConfig
from slotlight.features.dataset import Features
from slotlight.model.assignment import ALONE, Share
from slotlight.model.slot_model import SlotModel
from slotlight.training.batches import BatchOrder, read_batches
from slotlight.training.first_stage import Teacher
from slotlight.training.preview import Preview
from slotlight.training.schedule import learning_rate
from slotlight.training.state import STATE, TrainingState
from slotlight.training.steps import TrainingSteps, step_seed


class Reconstruction(nn.Module):
    """The training loss of a `SlotModel` as a module, which is what Fabric spreads over processes.

    Args:
        model: What learns.
        precision: Arithmetic of the forward pass.
        teacher: What labels photographs for the model; None where nothing does.
        compiled: Compile it at its first batch: all have one size. What is drawn is drawn as without.
        share: The part of every batch that this process has.
    """

    def __init__(
        self,
        model: SlotModel,
        precision: Precision,
        *,
        teacher: Teacher | None = None,
        compiled: bool = False,
        share: Share = ALONE,
    ) -> None:
        super().__init__()
        self.model, self.precision, self.teacher, self.share = model, precision, teacher, share
        self.loss = torch.compile(model.loss, options={"fallback_random": True}) if compiled else model.loss

    def forward(self, features: Float[Tensor, "batch patch dim"]) -> Float[Tensor, ""]:
        """The loss of a batch."""
        # Without the cache, a weight that every iteration uses gathers its gradient in fp32, not in bf16.
        half = self.precision == "bf16"
        with torch.autocast(features.device.type, torch.bfloat16, enabled=half, cache_enabled=False):
            labels = None if self.teacher is None else self.teacher(features)
            loss: Tensor = self.loss(features, labels, self.share)
        return loss


def fit(
    model: SlotModel,
    features: Features,
    out: Path,
    config: TrainConfig,
    *,
    fabric: Fabric,
    run: str,
    state: TrainingState | None,
    teacher: Teacher | None = None,
    on_step: Callable[[int], None] | None = None,
) -> None:
    """Train a model on features, in place: Adam without weight decay, after the paper.

    Args:
        model: What learns.
        features: What it learns from.
        out: Where the state, the logs and the contact sheets go.
        config: How it learns.
        fabric: Devices and processes, launched.
        run: What identifies the run in its state.
        state: Where the run stands; None to begin.
        teacher: What labels photographs for the model; None where nothing does.
        on_step: Called with the number of steps done after every step, in place of a progress bar.

    Raises:
        TrainingError: A gradient is not finite.
        OutputError: The state cannot be saved.
    """
    start = state.step if state else 0
    model.to(fabric.device)
    optimizer = Adam(model.parameters(), lr=config.learning_rate, fused=True)
    if state:
        state.restore(model, optimizer)
    if start == config.steps:
        return
    share = Share(fabric.global_rank, fabric.world_size)
    objective = Reconstruction(model, config.precision, teacher=teacher, compiled=config.compile, share=share)
    loss_of = fabric.setup_module(objective)
    dataset = features.dataset()
    order = BatchOrder(len(dataset), config, start=start, share=share)
    leads = fabric.is_global_zero  # the one process that saves, logs and draws
    preview = Preview(model, features, out / "sheets", config)
    with TrainingSteps(
        *("training", model, optimizer, config),
        start=start,
        run=run,
        state=out / STATE,
        logs=out / f"logs/from_step_{start}",
        leads=leads,
        shown=leads and on_step is None,
    ) as steps:
        steps.say(
            f"Training takes {config.steps:,} steps of {config.batch_size} photographs each, from {len(dataset):,}"
            f"{f', and goes on after step {start:,}' if start else ''}."
        )
        if leads and (hidden := preview.masking()):
            steps.say(hidden)
        for step, batch in steps.over(read_batches(dataset, order, fabric.device)):
            optimizer.param_groups[0]["lr"] = learning_rate(step, config)
            torch.manual_seed(step_seed(config.seed, step))
            optimizer.zero_grad()
            loss = loss_of(batch.float())  # in half precision, if that is chosen
            fabric.backward(loss)  # gradients are averaged over the processes
            norm = clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()
            done = steps.count(loss, norm)
            if on_step is not None:
                on_step(done)
            # Before the state is saved: a kill between them costs a step, not a sheet.
            if leads and (signs := preview.check(done)):
                steps.log(asdict(signs))
