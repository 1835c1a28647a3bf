"""What a model sees in a few of its photographs while it trains: contact sheets, dead slots, signs of a collapse."""

import logging
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import TrainConfig
from slotlight.drawing import contact_sheet, segment_picture
from slotlight.errors import ImageError
from slotlight.features.dataset import Features
from slotlight.images import RGBImage, fit_size, read_photograph, resize, to_batch
from slotlight.images.saving import save_picture
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import FusedMasks, SlotModel
from slotlight.training.by_products import ByProducts
from slotlight.training.signs import Signs, likeness_of_clusters, masking_report, signs_of, warning_of

CHECKS, SHEETS = 40, 8
"""How often a long run checks what the slots see, and how often it draws it."""

LEAST_BETWEEN = 50
"""Steps between checks of a short run."""

SEGMENTED, DRAWN, SIDE = 24, 12, 320
"""Photographs that are checked, photographs that are drawn, and their longer side in pixels."""

PATIENCE, ENOUGH = 5, 8
"""Checks in a row, and photographs at the least, before a slot is called dead or all slots collapsed."""

_LOG = logging.getLogger(__name__)


class Preview:
    """Segments photographs as training goes: warns of dead or collapsed slots, and draws contact sheets.

    Args:
        model: What trains.
        features: What it learns from; photographs are taken evenly from it.
        folder: Where the contact sheets go.
        config: How long the training takes.
    """

    def __init__(self, model: SlotModel, features: Features, folder: Path, config: TrainConfig) -> None:
        self.model, self.features, self.folder = model, features, folder
        self.config, self.by_products = config, ByProducts()
        self.rows = evenly(len(features.photographs), SEGMENTED)
        self.drawn = range(len(self.rows))[:: max(1, len(self.rows) // DRAWN)]
        self._unused: Int64[Tensor, " slot"] | int = 0
        self._warned: set[int] = set()
        self._collapsed = 0

    def masking(self) -> str | None:
        """What share of what is masked in these photographs; None where nothing is."""
        if self.model.config.masking.kind == "none":
            return None
        return masking_report(self._patches, self._segment().foreground, self.model.config.masking)

    def check(self, done: int) -> Signs | None:
        """After every step: check and draw when that is due; then there are signs."""
        if not (self._due(done, CHECKS) or self._due(done, SHEETS)):
            return None
        found = self._segment()
        signs = signs_of(found)
        if done > self.config.warmup_share * self.config.steps and len(self.rows) >= ENOUGH:
            self._warn_of_dead_slots(found)
            self._warn_of_collapse(signs, ended=done == self.config.steps)
        if self._due(done, SHEETS):
            self._draw(found, self.folder / f"step_{done:07d}.png")
        return signs

    def _segment(self) -> FusedMasks:
        with torch.no_grad():
            return self.model.segment_features(self._patches, self.features.grid)

    @property
    def _patches(self) -> Float[Tensor, "photograph patch dim"]:
        """Read anew each time: a model may need the memory between checks."""
        device = next(self.model.parameters()).device
        return self.features.dataset().__getitems__(self.rows).to(device).float()

    @cached_property
    def _clusters_alike(self) -> float:
        return likeness_of_clusters(self._patches, self.model.config.slots.slots)

    def _warn_of_collapse(self, signs: Signs, *, ended: bool) -> None:
        warning = warning_of(signs, self._clusters_alike)
        self._collapsed = self._collapsed + 1 if warning else 0
        if warning and (self._collapsed == PATIENCE or (ended and self._collapsed < PATIENCE)):
            _LOG.warning(warning)

    def _due(self, done: int, times: int) -> bool:
        return done % max(LEAST_BETWEEN, self.config.steps // times) == 0 or done == self.config.steps

    def _warn_of_dead_slots(self, found: FusedMasks) -> None:
        slots = found.masks.shape[1]
        won = found.masks.argmax(1).flatten().bincount(minlength=slots).cpu()
        self._unused = torch.where(won == 0, self._unused + 1, 0)
        dead = set((self._unused >= PATIENCE).nonzero().flatten().tolist())
        for slot in sorted(dead - self._warned):
            _LOG.warning(
                "Slot %d of %d has won no patch of %d photographs in %d checks; fewer slots may do.",
                *(slot, slots, len(self.rows), PATIENCE),
            )
        self._warned |= dead

    def _draw(self, found: FusedMasks, file: Path) -> None:
        masks = found.masks.unflatten(2, self.features.grid).float().cpu()
        pictures = [_picture(image, masks[row]) for row, image in self._images.items()]
        if pictures:
            with self.by_products.attempt("contact sheets"):
                save_picture(contact_sheet(pictures), file)

    @cached_property
    def _images(self) -> dict[int, RGBImage]:
        """The photographs that are drawn, but those that are gone by now."""
        images = {}
        for row in self.drawn:
            path = self.features.photographs[self.rows[row]]
            with self.by_products.attempt(f"a picture of {path.name}"):
                images[row] = _shown(path)
        return images


def warn_if_nothing_is_found(segmenter: ModelSegmenter, features: Features, sheets: Path) -> None:
    """Hint at what to try when a trained model takes every slot of some photographs for background."""
    paths = [features.photographs[row] for row in evenly(len(features.photographs), SEGMENTED)]
    images = []
    for path in paths:
        try:
            images.append(
                resize(read_photograph(path, min_side=features.side), (features.side, features.side))
            )
        except ImageError:  # gone since its features were computed
            continue
    if images and not any(
        segmenter.segment(to_batch([image], segmenter.device)).scores.any() for image in images
    ):
        _LOG.warning(
            "The model finds no object in any of %d of its photographs; look at %s, and try more steps, another "
            "layer of the backbone or a larger image size.",
            *(len(images), sheets),
        )


def evenly(count: int, most: int) -> list[int]:
    """Some of ``count`` rows, evenly spread.

    Example:
        >>> evenly(3, 24), evenly(100, 5)
        ([0, 1, 2], [0, 24, 49, 74, 99])
    """
    rows: list[int] = np.unique(np.linspace(0, count - 1, most).astype(int)).tolist()
    return rows


def _shown(path: Path) -> RGBImage:
    image = read_photograph(path, min_side=SIDE)
    height, width = image.shape[:2]
    return resize(image, fit_size(height, width, image_size=SIDE, patch_size=1))


def _picture(image: RGBImage, masks: Float[Tensor, "slot rows columns"]) -> Image.Image:
    large = F.interpolate(masks[None], image.shape[:2], mode="bilinear")[0]
    return segment_picture(image, large.argmax(0).byte().numpy())
