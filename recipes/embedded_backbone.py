"""The embedded backbone, trained from nothing on photographs without a label, in one command.

    python recipes/embedded_backbone.py PHOTOS... --out runs/backbone

It may be killed at any moment: the same command goes on from the last checkpoint and ends with the same weights.
The schedule holds the learning rate until the last quarter, so that as long as this has not begun, going on with
another ``--steps`` also gives what a fresh run of that length would have given.
"""

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import timm
import torch
import tyro
from jaxtyping import Float
from rich.progress import track
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from neighbour_contrast import NeighbourContrast
from photo_views import MEAN, STD, RandomViews, ViewPair, ViewSpec, decode_once
from reduction import fit_reduction
from slotlight.images import find_photographs

NETWORK = "resnet10t"
PATCH_SIZE, DIM = 8, 64 + 160 + 320  # of the finest of the three maps; of all three
REDUCED = 64  # numbers that are left of DIM in a feature
ARGUMENTS: dict[str, Any] = {
    "features_only": True,
    "out_indices": (2, 3, 4),
    "stem_width": 16,
    "layers": (1, 2, 2, 2),
    "channels": (32, 64, 160, 320),
}
_WARM_UP, _DECAY = 50, 0.25  # steps; share of all steps
_EVERY_PHOTO, _REDUCTION_SIDE = 19, 176  # what the reduction is found on: some photographs, and their side


@dataclass(frozen=True)
class Recipe:
    """All numbers of a run.

    Attributes:
        steps: Optimiser steps.
        batch: Photographs in a step; each gives two views.
        learning_rate: Of AdamW, after the warm-up.
        weight_decay: Of AdamW.
        reach: See `NeighbourContrast`.
        tone: See `NeighbourContrast`.
        temperature: See `NeighbourContrast`.
        seed: Decides weights, order and views.
        decoded_side: Side at which photographs are held in memory.
        save_every: Steps between checkpoints, each with a line in curve.csv.
        views: How views are drawn.
    """

    steps: int = 3500
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    reach: float = 0.5
    tone: float = 0.12
    temperature: float = 0.1
    seed: int = 0
    decoded_side: int = 160
    save_every: int = 50
    views: ViewSpec = field(default_factory=ViewSpec)


@dataclass
class Run:
    """A model in training: its state, on disk at every checkpoint."""

    model: NeighbourContrast
    optimizer: torch.optim.AdamW
    step: int = 0


def train(
    photos: tyro.conf.Positional[list[Path]],
    out: Path,
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = Recipe(),
    device: str = "cpu",
) -> None:
    """Train the backbone and write backbone.safetensors, backbone.json and curve.csv.

    Args:
        photos: Folders or files.
        out: Where checkpoints and results go.
        recipe: All numbers of the run.
        device: Where to train, in bfloat16; on a GPU the photographs lie in its memory.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = find_photographs(photos)
    images = decode_once(paths, out / f"photos{recipe.decoded_side}.npy", recipe.decoded_side)
    run = _start(recipe, out, device)
    batches = _batches(
        RandomViews(images.to(device), recipe.batch, recipe.seed, recipe.views), run.step, recipe.steps
    )
    _fit(run, batches, recipe, out)
    export(run.model.network.eval().cpu(), paths, out)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then constant, then linear to zero over the last quarter."""
    warm = (step + 1) / _WARM_UP
    decay = (recipe.steps - step) / (recipe.steps * _DECAY)
    return recipe.learning_rate * min(warm, 1, decay)


def export(network: nn.Module, paths: list[Path], out: Path) -> None:
    """Write the network as the package loads it: weights, how to build it, and how to reduce its features."""
    images = decode_once(paths[::_EVERY_PHOTO], out / f"photos{_REDUCTION_SIDE}.npy", _REDUCTION_SIDE)
    reduction = fit_reduction(network, images, REDUCED)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    weights |= {"reduction.weight": reduction.weight, "reduction.bias": reduction.bias}
    save_file(weights, out / "backbone.safetensors")
    card = {
        "network": NETWORK,
        "kwargs": ARGUMENTS,
        "patch_size": PATCH_SIZE,
        "dim": REDUCED,
        "mean": MEAN,
        "std": STD,
        "image_size": 224,
    }
    (out / "backbone.json").write_text(json.dumps(card, indent=2) + "\n")


def _start(recipe: Recipe, out: Path, device: str) -> Run:
    torch.manual_seed(recipe.seed)
    network = timm.create_model(NETWORK, pretrained=False, **ARGUMENTS)
    model = NeighbourContrast(
        network, DIM, reach=recipe.reach, tone=recipe.tone, temperature=recipe.temperature
    )
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    run = Run(model, optimizer)
    if (out / "checkpoint.safetensors").exists():
        _resume(run, recipe, out / "checkpoint.safetensors")
    return run


def _batches(views: RandomViews, first: int, steps: int) -> Iterator[ViewPair]:
    """The views of the steps still to do; on a CPU made by another process meanwhile."""
    workers = 1 if views.photos.device.type == "cpu" else 0
    return iter(DataLoader(views, batch_size=None, sampler=range(first, steps), num_workers=workers))


def _fit(run: Run, batches: Iterator[ViewPair], recipe: Recipe, out: Path) -> None:
    run.model.train()
    started, losses = time.monotonic(), []
    for pair in track(batches, "Training", total=recipe.steps, completed=run.step):
        losses.append(_step(run, pair, learning_rate(recipe, run.step)))
        if run.step % recipe.save_every == 0 or run.step == recipe.steps:
            _log(out / "curve.csv", run.step, torch.stack(losses).mean().item(), time.monotonic() - started)
            _save(run, recipe, out / "checkpoint.safetensors")
            losses = []


def _step(run: Run, pair: ViewPair, rate: float) -> Float[Tensor, ""]:
    run.optimizer.param_groups[0]["lr"] = rate
    with torch.autocast(pair.views.device.type, torch.bfloat16):
        loss: Tensor = run.model(pair)
    run.optimizer.zero_grad()
    loss.backward()
    run.optimizer.step()
    run.step += 1
    return loss.detach()


def _log(file: Path, step: int, loss: float, seconds: float) -> None:
    new = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(["step", "loss", "seconds_since_start"])
        writer.writerow([step, f"{loss:.4f}", f"{seconds:.0f}"])


def _save(run: Run, recipe: Recipe, file: Path) -> None:
    moments = {
        f"optimizer.{index}.{name}": value
        for index, state in run.optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }
    weights = {f"model.{name}": value for name, value in run.model.state_dict().items()}
    new = file.with_suffix(".partial")
    tensors = {name: value.contiguous() for name, value in (weights | moments).items()}
    save_file(tensors, new, {"step": str(run.step), "recipe": _same(recipe)})
    new.replace(file)


def _resume(run: Run, recipe: Recipe, file: Path) -> None:
    with safe_open(file, "pt") as stored:
        about = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    if about["recipe"] != _same(recipe):
        raise SystemExit(
            f"{file} is of another recipe; choose another --out, or these numbers: {about['recipe']}"
        )
    run.step = int(about["step"])
    run.model.load_state_dict(
        {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    )
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
    run.optimizer.load_state_dict(run.optimizer.state_dict() | {"state": moments})


def _same(recipe: Recipe) -> str:
    """What two runs must share for one to go on with the other's weights."""
    return json.dumps(asdict(replace(recipe, steps=0, save_every=0)))


if __name__ == "__main__":
    tyro.cli(train)
