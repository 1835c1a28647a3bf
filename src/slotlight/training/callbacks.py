"""What happens beside the steps of a training run: guard, progress, state, pictures."""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from lightning.pytorch import Callback, Trainer
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional as F

from slotlight.drawing import contact_sheet, segment_picture
from slotlight.errors import OutputError, TrainingError
from slotlight.features.dataset import FeatureCache
from slotlight.images import RGBImage, fit_size, read_photograph, resize
from slotlight.model.slot_model import FusedMasks
from slotlight.training.module import SlotTraining
from slotlight.training.state import load_state, save_state

LOOK_EVERY = 20
"""Steps between looks at the loss: each look waits for the device."""

_LOG = logging.getLogger(__name__)


def _due(module: SlotTraining, every: int) -> bool:
    return module.done % every == 0 or module.done == module.config.steps


class DivergenceGuard(Callback):
    """Stops a run whose gradient is no longer finite, before such weights are saved.

    Args:
        state: Where `StateSaver` saves; it must come later in the list of callbacks.
    """

    def __init__(self, state: Path) -> None:
        self.state = state

    def on_train_batch_end(self, trainer: Trainer, module: SlotTraining, *_: Any) -> None:  # type: ignore[override] # noqa: ARG002
        """Look whether all gradients so far were finite."""
        if not _due(module, LOOK_EVERY) and not _due(module, module.config.checkpoint_every):
            return
        sound = int(module.sound)
        if sound < module.done:
            remedy = "and start again"
            if self.state.exists():
                remedy = f"and go on with --resume from step {load_state(self.state).step}, the last good checkpoint"
            raise TrainingError(
                f"Training diverged at step {sound + 1}, where the gradient is not finite; lower the learning rate "
                f"(now {module.config.learning_rate:g}) {remedy}."
            )


class ProgressLog(Callback):
    """A progress bar, and lines for the loggers."""

    def __init__(self) -> None:
        text = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*text, console=Console(stderr=True))
        self.task = self.bar.add_task("training")

    def on_train_start(self, trainer: Trainer, module: SlotTraining) -> None:  # type: ignore[override]
        """Show the bar."""
        self.bar.update(self.task, total=module.config.steps, completed=module.done)
        if trainer.is_global_zero:
            self.bar.start()

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: Trainer, module: SlotTraining, outputs: dict[str, Tensor], *_: Any
    ) -> None:
        """Move the bar; now and then write the loss."""
        self.bar.update(self.task, completed=module.done)
        if not _due(module, LOOK_EVERY):
            return
        loss, rate = float(outputs["loss"]), trainer.optimizers[0].param_groups[0]["lr"]
        self.bar.update(self.task, description=f"training, loss {loss:.4g}")
        for logger in trainer.loggers:
            logger.log_metrics({"loss": loss, "learning_rate": rate}, module.done)
            logger.save()

    def on_train_end(self, trainer: Trainer, module: SlotTraining) -> None:  # type: ignore[override] # noqa: ARG002
        """Leave the bar as it is."""
        self.bar.stop()

    def on_exception(self, trainer: Trainer, module: SlotTraining, exception: BaseException) -> None:  # type: ignore[override]
        """Give the terminal back; tell who stopped the run how to go on."""
        self.bar.stop()
        if isinstance(exception, KeyboardInterrupt) and trainer.is_global_zero:
            _LOG.warning("Stopped after step %d; --resume goes on from the last checkpoint.", module.done)


class StateSaver(Callback):
    """Saves where the run stands, so that a kill costs at most ``checkpoint_every`` steps."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings

    def on_train_batch_end(self, trainer: Trainer, module: SlotTraining, *_: Any) -> None:  # type: ignore[override]
        """Save when it is time."""
        if not trainer.is_global_zero or not _due(module, module.config.checkpoint_every):
            return
        try:
            save_state(self.path, module.done, self.settings, module.model, trainer.optimizers[0])
        except (OSError, SafetensorError) as error:
            raise OutputError(f"{self.path} cannot be written: {error}.") from error


class Preview(Callback):
    """Segments a few of the photographs as training goes: warns of dead slots, and draws contact sheets.

    Args:
        features: The cache; photographs are taken evenly from it.
        folder: Where the contact sheets go.
    """

    LOOKS, SHEETS, SEGMENTED, DRAWN, SIDE, PATIENCE = 40, 8, 24, 12, 320, 5

    def __init__(self, features: FeatureCache, folder: Path) -> None:
        self.features, self.folder = features, folder
        count = len(features.photographs)
        self.rows = np.unique(np.linspace(0, count - 1, self.SEGMENTED).astype(int)).tolist()
        self.drawn = range(len(self.rows))[:: max(1, len(self.rows) // self.DRAWN)]
        self.unused: Int64[Tensor, " slot"] | int = 0
        self.warned: set[int] = set()

    def on_train_batch_end(self, trainer: Trainer, module: SlotTraining, *_: Any) -> None:  # type: ignore[override]
        """Look `LOOKS` times in a run, and draw at `SHEETS` of them."""
        look, draw = (
            _due(module, max(1, module.config.steps // times)) for times in (self.LOOKS, self.SHEETS)
        )
        if not trainer.is_global_zero or not (look or draw):
            return
        patches = module.dataset.__getitems__(self.rows).to(module.device).float()
        with torch.no_grad():
            found = module.model.segment_features(patches, self.features.grid)
        self._watch(found)
        if draw:
            self._draw(found, f"step_{module.done:07d}.png")

    def _watch(self, found: FusedMasks) -> None:
        slots = found.masks.shape[1]
        won = found.masks.argmax(1).flatten().bincount(minlength=slots).cpu()
        self.unused = torch.where(won == 0, self.unused + 1, 0)
        dead = set((self.unused >= self.PATIENCE).nonzero().flatten().tolist())
        for slot in sorted(dead - self.warned):
            _LOG.warning(
                "Slot %d of %d has won no patch of %d photographs in %d looks; fewer slots may do.",
                *(slot, slots, len(self.rows), self.PATIENCE),
            )
        self.warned |= dead

    def _draw(self, found: FusedMasks, name: str) -> None:
        masks = found.masks.unflatten(2, self.features.grid).float().cpu()
        pictures = [_picture(image, masks[row]) for image, row in zip(self._images, self.drawn, strict=True)]
        self.folder.mkdir(exist_ok=True)
        contact_sheet(pictures).save(self.folder / name)

    @cached_property
    def _images(self) -> list[RGBImage]:
        return [_shown(self.features.photographs[self.rows[row]], self.SIDE) for row in self.drawn]


def _shown(path: Path, side: int) -> RGBImage:
    image = read_photograph(path, min_side=side)
    height, width = image.shape[:2]
    return resize(image, fit_size(height, width, image_size=side, patch_size=1))


def _picture(image: RGBImage, masks: Float[Tensor, "slot rows columns"]) -> Image.Image:
    large = F.interpolate(masks[None], image.shape[:2], mode="bilinear")[0]
    return segment_picture(image, large.argmax(0).byte().numpy())
