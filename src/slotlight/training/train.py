"""Photographs → a model folder: features are cached once, then slots are trained on them with Lightning.

Lightning drives devices, precision and processes. Where a run stands is saved by `slotlight.training.state`, not by
Lightning, whose checkpoints are pickles.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from slotlight.backbones import Backbone, load_backbone
from slotlight.config import ModelConfig, TrainConfig
from slotlight.errors import OutputError, TrainingError
from slotlight.features.cache import cache_features, square_grid
from slotlight.features.dataset import FeatureCache, FeatureDataset
from slotlight.images import find_photographs
from slotlight.model.checkpoint import save_model
from slotlight.model.slot_model import SlotModel, build_slot_model
from slotlight.training.callbacks import DivergenceGuard, Preview, ProgressLog, StateSaver
from slotlight.training.module import SlotTraining
from slotlight.training.quiet_lightning import quiet_lightning
from slotlight.training.state import TrainingState, load_state

STATE = "state.safetensors"
_LOG = logging.getLogger(__name__)


def train(
    photographs: Sequence[str | Path],
    out: str | Path,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    device: torch.device | None = None,
    resume: bool = False,
    start_over: bool = False,  # noqa: ARG001: until the loop is merged
    cache: Path | None = None,
) -> Path:
    """Train a model on photographs, without a label.

    Args:
        photographs: Files, folders or globs.
        out: The model folder. During training it also gets ``features/`` (the cache), ``logs/`` (CSV and
            TensorBoard), ``sheets/`` (what the slots see) and ``state.safetensors`` (where the run stands).
        model_config: What to train, and on which backbone's features.
        train_config: How.
        device: Where; without it, the first accelerator there is, else the processor.
        resume: Go on where a run into the same folder stopped; it ends in the same model as if it had not.
        cache: Where feature caches lie, in place of ``out/features``, to share them between runs.

    Returns:
        The model folder, which `slotlight.load` takes.

    Raises:
        TrainingError: The settings cannot work here, the folder holds another run, or the loss is no longer finite.
        CacheError: The features cannot be cached.
        OutputError: The folder cannot be written.
        CheckpointError: The state to resume from is damaged.
    """
    out = Path(out)
    device = device or torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    files = find_photographs(photographs)
    state = _find_state(out, resume=resume)
    chosen = model_config.backbone
    backbone = load_backbone(
        chosen.name, weights=chosen.weights, facet=chosen.facet, layer=chosen.layer, device=device
    )
    _check_slots(model_config, backbone)
    features = cache_features(
        files,
        cache or out / "features",
        backbone,
        image_size=chosen.image_size,
        precision=train_config.precision,
    )
    settings = _settings(model_config, train_config, features)
    if state:
        _check_same_run(state.settings, settings, out)
    torch.manual_seed(train_config.seed)
    model = build_slot_model(model_config, backbone.dim, features.grid)
    fit(model, features, out, train_config, settings, device=device, state=state)
    save_model(
        out, model, backbone, {"train": asdict(train_config), "photographs": len(features.photographs)}
    )
    return out


def fit(
    model: SlotModel,
    features: FeatureCache,
    out: Path,
    config: TrainConfig,
    settings: dict[str, Any],
    *,
    device: torch.device,
    state: TrainingState | None,
) -> None:
    """Train a model on cached features, in place; see `train` for what is written and raised."""
    training = SlotTraining(model, FeatureDataset(features), config, state)
    logs = f"logs/from_step_{training.start}"
    with quiet_lightning():
        try:
            trainer = Trainer(
                accelerator="gpu" if device.type == "cuda" else device.type,
                devices=config.devices if device.index is None else [device.index],
                precision="bf16-mixed" if config.precision == "bf16" else "32-true",
                max_epochs=1,
                logger=[
                    CSVLogger(out, logs, "", flush_logs_every_n_steps=1),
                    TensorBoardLogger(out, logs, ""),
                ],
                callbacks=[
                    DivergenceGuard(out / STATE),
                    ProgressLog(),
                    StateSaver(out / STATE, settings),
                    Preview(features, out / "sheets"),
                ],
                default_root_dir=out,
                use_distributed_sampler=False,  # BatchOrder shares every batch out itself
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
        except MisconfigurationException as error:
            raise TrainingError(
                f"Lightning cannot start on {device}: {str(error).splitlines()[0]}"
            ) from error
        if training.start < config.steps:
            _run(trainer, training)


def _run(trainer: Trainer, training: SlotTraining) -> None:
    try:
        trainer.fit(training)
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"The step cannot be compiled here ({reason}); train without --compile."
        ) from error


def _check_slots(config: ModelConfig, backbone: Backbone) -> None:
    rows, columns = square_grid(config.backbone.image_size, backbone.patch_size)
    if config.slots.slots > rows * columns:
        raise TrainingError(
            f"{config.slots.slots} slots are more than the {rows * columns} patches of a photograph at image size "
            f"{config.backbone.image_size}; choose fewer slots or a larger image size."
        )


def _find_state(out: Path, *, resume: bool) -> TrainingState | None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {out} cannot be written: {error.strerror or error}.") from error
    if not (out / STATE).exists():
        return None
    if not resume:
        raise TrainingError(
            f"{out} already holds a training run; go on with --resume, or choose another folder."
        )
    return load_state(out / STATE)


def _settings(model: ModelConfig, train: TrainConfig, features: FeatureCache) -> dict[str, Any]:
    """What must be the same when a run is resumed (model, features), and what should be (train)."""
    texts = json.dumps(
        {"model": asdict(model), "features": features.file.parent.name, "train": asdict(train)}, default=str
    )
    settings: dict[str, Any] = json.loads(texts)
    return settings


def _check_same_run(former: dict[str, Any], settings: dict[str, Any], out: Path) -> None:
    for part, what in (("model", "with another model"), ("features", "on other photographs or features")):
        if former[part] != settings[part]:
            raise TrainingError(
                f"The run in {out} was begun {what}; repeat its settings, or choose another folder."
            )
    for name, value in settings["train"].items():
        before = former["train"].get(name)
        if before != value:
            _LOG.warning("The run was begun with %s %s, and goes on with %s.", name, before, value)
