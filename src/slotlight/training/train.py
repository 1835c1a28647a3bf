"""Photographs → a model folder: features are cached once (or streamed), then slots are trained on them.

A run is identified by its settings, its photographs and the weights of its backbone. The same run goes on where it
stopped; another one in the same folder is refused before anything slow begins.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import rank_zero_only
from rich.console import Console
from rich.filesize import decimal
from torch import Tensor

from slotlight.backbones import Backbone, load_chosen
from slotlight.config import ModelConfig, TrainConfig
from slotlight.devices import check_devices, mention_slow_precision, pick_device
from slotlight.errors import CheckpointError, TrainingError
from slotlight.features.cache import CacheKey, cache_features, feature_key, square_grid
from slotlight.features.dataset import Features
from slotlight.features.live import LiveFeatures
from slotlight.files import begin_run, digest, is_claimed
from slotlight.images import find_photographs
from slotlight.model.checkpoint import save_model
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model
from slotlight.model.standardise import Standardise
from slotlight.training.first_stage import Teacher, load_first_stage, take_over
from slotlight.training.loop import fit
from slotlight.training.preview import evenly, warn_if_nothing_is_found
from slotlight.training.state import STATE, TrainingState, load_state

MEASURED, MEASURED_AT_ONCE = 3000, 64
"""Photographs whose features tell the mean and the deviation of all."""

_OUTPUTS = ("config.json", "slots.safetensors", STATE, "logs", "sheets")
# On the result: of a weights file and a first stage the content counts, which their fingerprints hold.
_WITHOUT_EFFECT = (
    *("model.backbone.weights", "training.checkpoint_every", "training.first_stage"),
    *("training.nodes", "training.features"),  # but for rounding
)


def train(
    photographs: Sequence[str | Path],
    out: str | Path,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    device: torch.device | None = None,
    resume: bool = False,
    start_over: bool = False,
    cache: Path | None = None,
) -> Path:
    """Train a model on photographs, without a label.

    A run that was stopped goes on when it is started again, and ends in the same model as if it had not been.

    Args:
        photographs: Files, folders or globs.
        out: The model folder. During training it also gets ``features/`` (the cache), ``logs/`` (CSV and
            TensorBoard), ``sheets/`` (what the slots see) and ``state.safetensors`` (where the run stands).
        model_config: What to train, and on which backbone's features.
        train_config: How.
        device: Where; without it, the first accelerator there is, else the processor.
        resume: Insist that the folder holds a run to go on with.
        start_over: Delete what a run wrote to the folder, whatever run it was, and begin anew.
        cache: Where feature caches lie, in place of ``out/features``, to share them between runs.

    Returns:
        The model folder, which `slotlight.load` takes.

    Raises:
        TrainingError: The settings cannot work here, there is nothing to resume, or a gradient is not finite.
        CacheError: The features cannot be cached.
        OutputError: The folder holds another run, is in use or cannot be written.
        CheckpointError: The state to go on from is damaged.
    """
    out = Path(out)
    check_resuming(out, resume=resume, start_over=start_over)
    files = find_photographs(photographs)
    return train_on(files, out, model_config, train_config, device=device, start_over=start_over, cache=cache)


def train_on(
    files: Sequence[Path],
    out: Path,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    device: torch.device | None = None,
    start_over: bool = False,
    cache: Path | None = None,
    on_step: Callable[[int], None] | None = None,
) -> Path:
    """As `train`, on files that were found already, each once.

    After every step ``on_step`` is called with the number of steps done, in place of a progress bar.
    """
    check_devices(device := device or pick_device("auto"), train_config.devices)
    mention_slow_precision(device, train_config.precision)
    if cache is not None and train_config.features == "stream":
        raise TrainingError("--features stream does not keep features; leave out --cache.")
    model_config = _with_absolute_weights(model_config)
    chosen = model_config.backbone
    backbone = load_chosen(chosen, device=device)
    _check_slots(model_config, backbone)
    first = load_first_stage(model_config, train_config, backbone)
    precision = train_config.precision
    key = feature_key(files, backbone, image_size=chosen.image_size, precision=precision)
    identity = _identity(model_config, train_config, key)
    identity |= {} if first is None else {"first_stage": first.fingerprint()}
    run, caches = digest(identity), cache or out / "features"
    with ExitStack() as stack:
        leads, state = _leads(train_config), None
        if leads:
            outputs = [*_OUTPUTS, *_stale(out / "features", key)]
            stack.enter_context(begin_run(out, identity, outputs=outputs, start_over=start_over))
            state = _find_state(out, run)
        fabric = _launch(device, train_config)
        backbone.to(fabric.device)
        state = state if leads else _find_state(out, run)
        features: Features
        if train_config.features == "stream":
            features = LiveFeatures(files, backbone, precision, key.grid, key.side)
            if leads:
                _tell_cost(train_config, key)
        else:
            size = chosen.image_size
            features = cache_features(
                files, caches, backbone, image_size=size, precision=precision, leads=leads
            )
        torch.manual_seed(train_config.seed)
        model = build_slot_model(model_config, backbone.dim, features.grid)
        if isinstance(model.standardise, Standardise):
            model.standardise.measure(_spread(features))
        teacher = None
        if first is not None and model.alignment is None:
            teacher = Teacher(first.model)
        elif first is not None:
            take_over(model, first.model)
        with _compile_faults(), _lost_processes(train_config):
            fit(
                *(model, features, out, train_config),
                fabric=fabric,
                run=run,
                state=state,
                teacher=teacher,
                on_step=on_step,
            )
        if leads:
            count = len(features.photographs)
            save_model(out, model, backbone, {"train": asdict(train_config), "photographs": count})
            warn_if_nothing_is_found(ModelSegmenter(out.name, backbone, model), features, out / "sheets")
    return out


@contextmanager
def _compile_faults() -> Iterator[None]:
    """Turn the compiler's faults into one clear sentence."""
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"The step cannot be compiled here ({reason}); train without --compile."
        ) from error


@contextmanager
def _lost_processes(config: TrainConfig) -> Iterator[None]:
    """Turn what a process meets when another has died into one clear sentence."""
    try:
        yield
    except RuntimeError as error:
        told = isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
        if config.processes == 1 or not told:
            raise
        raise TrainingError(
            "Another process of this training was lost; the same command resumes from the last state that was saved."
        ) from error


def _leads(config: TrainConfig) -> bool:
    """Whether this process writes to the folder; the others were started by it or with it."""
    on_first = os.environ.get("NODE_RANK", "0") == "0"
    return config.processes == 1 or (on_first and rank_zero_only.rank == 0)  # type: ignore[attr-defined]


def _tell_cost(config: TrainConfig, key: CacheKey) -> None:
    """What it takes to do without a cache."""
    count, passes = len(key.photographs), config.steps * config.batch_size
    sentence = (
        f"Every step computes its features: {passes:,} photographs go through the backbone in all, where a cache "
        f"computes {count:,} and takes {decimal(count * key.row_bytes)}."
    )
    Console(stderr=True).print(sentence, highlight=False, soft_wrap=True, markup=False)


def _launch(device: torch.device, config: TrainConfig) -> Fabric:
    """Choose devices; of several processes, start those that do not run yet."""
    try:
        fabric = Fabric(
            accelerator=device.type,
            devices=config.devices if device.index is None else [device.index],
            num_nodes=config.nodes,
        )
        fabric.launch()
    except MisconfigurationException as error:
        raise TrainingError(f"Lightning cannot start on {device}: {str(error).splitlines()[0]}") from error
    fabric.barrier()
    return fabric


def _with_absolute_weights(config: ModelConfig) -> ModelConfig:
    """The model folder is used from other folders too."""
    weights = config.backbone.weights
    if weights is None:
        return config
    return replace(config, backbone=replace(config.backbone, weights=weights.absolute()))


def _check_slots(config: ModelConfig, backbone: Backbone) -> None:
    rows, columns = square_grid(config.backbone.image_size, backbone.patch_size)
    if config.slots.slots > rows * columns:
        raise TrainingError(
            f"{config.slots.slots} slots are more than the {rows * columns} patches of a photograph at image size "
            f"{config.backbone.image_size}; choose fewer slots or a larger image size."
        )


def _identity(model: ModelConfig, train: TrainConfig, key: CacheKey) -> dict[str, Any]:
    """Everything that decides the trained weights, by names that a user knows."""
    settings = flat_settings({"model": asdict(model), "training": asdict(train)})
    kept = {name: value for name, value in settings.items() if name not in _WITHOUT_EFFECT}
    photographs = f"{len(key.photographs)} ({digest(key.photographs)})"
    return kept | {"backbone": key.backbone, "photographs": photographs}


def check_resuming(out: Path, *, resume: bool, start_over: bool) -> None:
    """Refuse to go on with a run that is to be deleted, or that is not there.

    Raises:
        TrainingError: Either is asked for.
    """
    if resume and start_over:
        raise TrainingError("--resume and --start-over contradict each other; use only one of them.")
    if resume and not is_claimed(out):
        raise TrainingError(f"{out} holds no run to resume; leave out --resume to start one.")


def flat_settings(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names, joined by dots.

    Example:
        >>> flat_settings({"model": {"slots": {"heads": 8}}})
        {'model.slots.heads': 8}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= (
            flat_settings(value, f"{prefix}{name}.")
            if isinstance(value, dict)
            else {f"{prefix}{name}": value}
        )
    return flat


def _stale(folder: Path, key: CacheKey) -> list[str]:
    """Feature caches of former runs; the one that is needed stays, because it is right whoever computed it."""
    homes = folder.iterdir() if folder.is_dir() else ()
    return [f"{folder.name}/{home.name}" for home in homes if home.name != key.digest()]


def _spread(features: Features) -> Iterator[Tensor]:
    """Features of photographs spread evenly over all, a few at a time: enough for a mean and a deviation."""
    dataset = features.dataset()
    rows = evenly(len(dataset), MEASURED)
    for start in range(0, len(rows), MEASURED_AT_ONCE):
        yield dataset.__getitems__(rows[start : start + MEASURED_AT_ONCE]).float()


def _find_state(out: Path, run: str) -> TrainingState | None:
    if not (out / STATE).exists():
        return None
    state = load_state(out / STATE)
    if state.run != run:
        raise CheckpointError(
            f"{out / STATE} is the state of another run; delete it, or pass --start-over to begin anew."
        )
    return state
