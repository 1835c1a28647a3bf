"""A lesson → a trained head in a folder. Short enough to begin anew where it was killed; same seed, same bytes."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW

from slotlight.backbones import Backbone
from slotlight.config import ModelConfig, TrainConfig
from slotlight.datasets import VOID
from slotlight.errors import CheckpointError, TrainingError
from slotlight.model.checkpoint import read_config, write_folder
from slotlight.studies.labelled.heads import HeadSegmenter, LabelHead
from slotlight.studies.labelled.lessons import CELLS, Lesson
from slotlight.training.batches import BatchOrder
from slotlight.training.schedule import learning_rate

_WEIGHTS, _KIND = "head.safetensors", "supervised head"


def train_head(
    lesson: Lesson,
    kind: str,
    out: Path,
    training: TrainConfig,
    backbone: Backbone,
    on_step: Callable[[int], None] = lambda _: None,
) -> None:
    """Train a head by cross entropy, and write its folder; what is void does not count.

    Args:
        lesson: What it learns from.
        kind: See `LabelHead`.
        out: The folder.
        training: Steps, batches, learning rate and seed.
        backbone: Whose features the lesson holds.
        on_step: Called with the number of steps done.

    Raises:
        TrainingError: The loss is not finite.
    """
    device = backbone.device
    head = _begun(kind, lesson, training.seed).to(device)
    optimizer = AdamW(head.parameters())
    order = BatchOrder(len(lesson.features), training)
    for step, batch in enumerate(order):
        optimizer.param_groups[0]["lr"] = learning_rate(step, training)
        features = lesson.features[batch].to(device).float()
        loss = label_loss(head(features, lesson.grid), lesson.labels[batch].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        on_step(step + 1)
    if not loss.isfinite():
        raise TrainingError(f"The {kind} head diverged: its loss is not finite; pass fewer --steps.")
    about = {
        "kind": _KIND,
        "head": {"kind": kind, "dim": head.dim, "classes": head.classes},
        "backbone_fingerprint": backbone.fingerprint(),
    }
    write_folder(out, _WEIGHTS, head.state_dict(), about, {"photographs": len(lesson.features)})


def load_head(folder: Path, *, name: str, backbone: Backbone, model: ModelConfig) -> HeadSegmenter:
    """Load a folder that `train_head` wrote.

    Raises:
        CheckpointError: It is damaged, or was trained on another backbone's features.
    """
    raw, path = read_config(folder), folder / _WEIGHTS
    try:
        head, content = LabelHead(**raw["head"]), path.read_bytes()
        if hashlib.sha256(content).hexdigest() != raw["weights_sha256"]:
            raise ValueError("its content does not match config.json")
        if raw["backbone_fingerprint"] != backbone.fingerprint():
            raise ValueError("it was trained on other features")
        head.load_state_dict(load(content))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as fault:
        reason = str(fault).splitlines()[0]
        raise CheckpointError(
            f"{path} is damaged ({reason}); delete {folder}, and it is trained again."
        ) from fault
    return HeadSegmenter(name, backbone, head.to(backbone.device), image_size=model.backbone.image_size)


def label_loss(
    logits: Float[Tensor, "batch class r c"], labels: UInt8[Tensor, "batch rows columns"]
) -> Float[Tensor, ""]:
    """Mean cross entropy over cells that are not void; 0 where all are.

    Example:
        >>> label_loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[0, 255], [1, 1]]], dtype=torch.uint8))
        tensor(0.6931)
    """
    fine = F.interpolate(logits, labels.shape[1:], mode="bilinear", align_corners=False)
    total = F.cross_entropy(fine, labels.long(), ignore_index=VOID, reduction="sum")
    return total / (labels != VOID).sum().clamp(min=1)


def seconds_a_head_step(kind: str, training: TrainConfig, dim: int, grid: tuple[int, int]) -> float:
    """What a step takes here, on the processor: of numbers as good as any."""
    features = torch.zeros(training.batch_size, grid[0] * grid[1], dim)
    labels = torch.zeros(training.batch_size, CELLS * grid[0], CELLS * grid[1], dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        head = LabelHead(kind, dim, classes=21)
    for _ in range(2):  # the first is slower
        started = time.perf_counter()
        label_loss(head(features, grid), labels).backward()
    return time.perf_counter() - started


def _begun(kind: str, lesson: Lesson, seed: int) -> LabelHead:
    dim = lesson.features.shape[2]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = LabelHead(kind, dim, lesson.classes)
    patches = lesson.features.flatten(0, 1).double()
    head.mean.copy_(patches.mean(dim=0))
    head.deviation.copy_(patches.std(dim=0).clamp(min=1e-6))
    return head
