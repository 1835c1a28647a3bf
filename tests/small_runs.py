"""Commands that take seconds on photographs that are drawn for them, and what they leave, to compare."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from commands import contents
from slotlight.tensors import tensors_digest
from slotlight.training.state import load_state

PHOTOGRAPHS = 6

COMMANDS: dict[str, tuple[str, ...]] = {
    "discover": ("discover", "pictures"),
    "train": (
        *("train", "pictures", "--steps", "40", "--batch-size", "2", "--checkpoint-every", "5"),
        *("--image-size", "64", "--slots", "3", "--heads", "2"),
    ),
    "evaluate": (
        *(
            "evaluate",
            "--data",
            "pictures",
            "--masks",
            "masks",
            "--mask-kind",
            "instances",
            "--protocol",
            "masks",
            "corloc",
        ),
        *("--no-floors", "--batch-size", "2"),
    ),
    "distil": (
        *(
            "distil",
            "pictures",
            "--rounds",
            "1",
            "--steps",
            "6",
            "--batch-size",
            "1",
            "--checkpoint-every",
            "2",
        ),
        *("--min-votes", "0", "--detector.image-size", "64"),
    ),
    "study": (
        *("study", "masking", "pictures", "--data", "pictures", "--masks", "masks"),
        *("--mask-kind", "instances", "--seeds", "2", "--limit", "3", "--batch-size", "2"),
        *("--training.steps", "4", "--training.batch-size", "2", "--training.checkpoint-every", "2"),
        *("--image-size", "64", "--slots", "2", "--heads", "2"),
    ),
}

SKIP = dict.fromkeys(("evaluate", "study"), ("--on-error", "skip"))
"""What lets a command go on after a photograph that cannot be read, where it does not do so by itself."""


def draw(folder: Path, count: int = PHOTOGRAPHS) -> Path:
    """Draw photographs of several sizes and their masks below a folder."""
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        levels = rng.integers(90, 130, (64, 48 + 16 * (number % 3), 3), dtype=np.uint8)
        levels[10:40, 12:36] = rng.integers(0, 256, 3)
        mask = np.zeros(levels.shape[:2], np.uint8)
        mask[10:40, 12:36] = 1
        Image.fromarray(levels).save(folder / f"pictures/{number}.jpg")
        Image.fromarray(mask).save(folder / f"masks/{number}.png")
    return folder


ATTEMPTS = frozenset({"logs", "images", "features"})
"""Folders of what tells of the attempts that a result took."""


def result(out: Path) -> dict[str, object]:
    """What a command's folder says, but for what tells of the attempts that it took."""
    found: dict[str, object] = {}
    for name, digest in contents(out).items():
        path = Path(name)
        if ATTEMPTS.isdisjoint(path.parts) and not path.name.startswith((".slotlight", ".progress")):
            found[name] = content_of(out / path, digest)
    return found


def content_of(path: Path, digest: str) -> object:
    """What a file says: its digest, but for files that also tell how or where they were made."""
    if path.name == "state.safetensors":  # whose header has no fixed order
        loaded = load_state(path)
        return loaded.step, loaded.run, tensors_digest(loaded.tensors)
    if path.stem == "report" and path.with_name("report.json").is_file():
        tables = json.loads(path.with_name("report.json").read_text()).get("tables")
        return tables or digest  # `evaluate` tells how long it took beside its tables; a study does not
    return digest


def difference(found: dict[str, object], expected: dict[str, object]) -> str:
    """Where two results differ, or nothing."""
    names = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return f"differ: {names}" if names else ""
