"""The trained first stage of objectives that have one: a teacher's masks, or a model whose heads are to be fused."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from slotlight.backbones import Backbone
from slotlight.config import ModelConfig, TrainConfig, with_ranking
from slotlight.errors import TrainingError
from slotlight.model.checkpoint import load_model
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import SlotModel

TWO_STAGES = ("distillation", "alignment")


def load_first_stage(config: ModelConfig, training: TrainConfig, backbone: Backbone) -> ModelSegmenter | None:
    """The first stage that a training names; None where its objective has none.

    Raises:
        TrainingError: The objective lacks it, has none, or cannot use this one.
        CheckpointError: The folder is not a model of this backbone.
    """
    folder = training.first_stage
    if config.objective not in TWO_STAGES:
        if folder is not None:
            raise TrainingError(
                f"The objective {config.objective!r} has no first stage; leave --first-stage out."
            )
        return None
    if folder is None:
        raise TrainingError(
            f"The objective {config.objective!r} needs a trained first stage; pass its folder as --first-stage."
        )
    first = load_model(folder, backbone=backbone, device=backbone.device)
    if config.objective == "alignment":
        _require_same(config, first.model.config, folder.name)
    elif (taught := first.model.config.slots.slots) > config.slots.slots:
        raise TrainingError(
            f"The first stage {folder.name!r} has {taught} slots, too many to teach {config.slots.slots}; train with "
            f"--slots {taught} or more."
        )
    return first


def take_over(model: SlotModel, first: SlotModel) -> None:
    """Give a model that learns to fuse heads everything else from the first stage.

    Raises:
        TrainingError: The first stage has another grid or other sizes.
    """
    try:
        model.load_state_dict(
            first.state_dict() | {f"alignment.{name}": value for name, value in _own(model)}
        )
    except RuntimeError as fault:
        reason = str(fault).splitlines()[-1].strip()
        raise TrainingError(
            f"The first stage does not fit ({reason[:200]}); pass the settings it had."
        ) from fault


def _own(model: SlotModel) -> list[tuple[str, Tensor]]:
    return [] if model.alignment is None else list(model.alignment.state_dict().items())


def _require_same(config: ModelConfig, first: ModelConfig, name: str) -> None:
    if first.objective in ("partition", "alignment"):
        raise TrainingError(
            f"The first stage {name!r} has the objective {first.objective!r}; learning to fuse heads needs one "
            "with a trained decoder and without a learned fusion."
        )
    own, other = (
        replace(with_ranking(one), backbone=replace(one.backbone, weights=None)) for one in (config, first)
    )
    for part in ("backbone", "slots", "decoder", "standardise", "masking", "heuristics"):
        if getattr(own, part) != getattr(other, part):
            raise TrainingError(
                f"The first stage {name!r} has another {part}; pass the settings it was trained with."
            )


class Teacher(nn.Module):
    """What a trained model says of photographs: the slot of every patch, in its own order.

    Source: the second stage of SPOT (arXiv 2312.00648).
    """

    def __init__(self, model: SlotModel) -> None:
        super().__init__()
        self.model = model

    @torch.no_grad()
    def forward(self, features: Float[Tensor, "batch patch dim"]) -> Int64[Tensor, "batch patch"]:
        """The winners of its masks."""
        return self.model.segment_features(features, self.model.grid).masks.argmax(dim=1)
