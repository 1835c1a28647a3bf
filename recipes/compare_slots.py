"""What a choice in training slots costs or gives: several trainings of each way, beside each other.

    python recipes/compare_slots.py PHOTOS... --study decoding --voc VOCdevkit --out runs/decoding

`decoding` sets the cheap ways to train beside the plain one: decoding a share of the patches, mixing the slots first;
and the plain one stopped after as much processor time as a quarter of the patches took. `masking` hides patches from
the slots, as the paper does, or does not, with eight heads and with one.

The slots are those of the preset `embedded`, read at 112 pixels, at ten times its learning rate so that training
makes a difference. Both kinds of masks, the decoder's and the slots' attention, are measured on the development fifth
of VOC 2012 val, protocol `paper`. Labels only measure. A killed comparison goes on with the training that it was at.
"""

import json
import shutil
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import tyro
from rich.console import Console

from dev_figures import METRICS, measure
from slotlight.config import (
    DecoderKind,
    MaskingConfig,
    MaskKind,
    MaskSource,
    ModelConfig,
    Precision,
    preset,
)
from slotlight.files import write_text
from slotlight.images import find_photographs
from slotlight.model.checkpoint import load_model
from slotlight.training.train import train

Study = Literal["decoding", "masking"]

SIDE, BATCH, LEARNING_RATE = 112, 16, 1e-4
_EMBEDDED, _TRAINING = preset("embedded")
QUARTER = replace(_EMBEDDED, backbone=replace(_EMBEDDED.backbone, image_size=SIDE))
ONE_HEAD = replace(QUARTER, slots=replace(QUARTER.slots, heads=1))
_PLAIN, _CHEAP = "every patch", "a quarter of the patches"


def _decoded(model: ModelConfig, kind: DecoderKind, share: float) -> ModelConfig:
    return replace(model, decoder=replace(model.decoder, kind=kind, patch_share=share))


def _masked(model: ModelConfig, kind: MaskKind, ratio: float) -> ModelConfig:
    return replace(model, masking=MaskingConfig(kind=kind, ratio=ratio))


EVERY = _decoded(QUARTER, "mlp", 1.0)
STUDIES: dict[Study, dict[str, ModelConfig]] = {
    "decoding": {
        _PLAIN: EVERY,
        _CHEAP: QUARTER,
        "mixer": _decoded(QUARTER, "mixer", 1.0),
        "mixer, a quarter of the patches": _decoded(QUARTER, "mixer", 0.25),
    },
    "masking": {
        "eight heads, nothing masked": QUARTER,
        "eight heads, background 0.3": _masked(QUARTER, "background", 0.3),
        "eight heads, background 0.7": _masked(QUARTER, "background", 0.7),
        "eight heads, random 0.7": _masked(QUARTER, "random", 0.7),
        "one head, nothing masked": ONE_HEAD,
        "one head, background 0.7": _masked(ONE_HEAD, "background", 0.7),
    },
}
_SOURCES: tuple[MaskSource, ...] = ("decoder", "attention")


@dataclass(frozen=True)
class Trained:
    """A model folder.

    Attributes:
        folder: Where it lies.
        steps: Optimiser steps.
        seconds: Processor time that they took.
    """

    folder: Path
    steps: int
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """What all trainings share.

    Attributes:
        photos: What they see.
        out: Where everything goes.
        bf16: Whether forward passes run in bfloat16.
    """

    photos: list[Path]
    out: Path
    bf16: bool

    def trained(self, name: str, model: ModelConfig, steps: int, seed: int) -> Trained:
        """A model trained now, or by an earlier run that left it there."""
        folder = self.out / f"{name.replace(' ', '-').replace(',', '')}-{seed}"
        kept = folder / "seconds.json"
        if not kept.exists():
            Console(stderr=True).print(f"{name}, seed {seed}, {steps} steps", highlight=False)
            shutil.rmtree(folder, ignore_errors=True)
            write_text(kept, [json.dumps(self._train(folder, model, steps, seed))])
        return Trained(folder, steps, json.loads(kept.read_text()))

    def _train(self, folder: Path, model: ModelConfig, steps: int, seed: int) -> float:
        precision: Precision = "bf16" if self.bf16 else "fp32"
        settings = replace(
            _TRAINING,
            steps=steps,
            batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            seed=seed,
            precision=precision,
        )
        started = time.process_time()
        train(self.photos, folder, model, settings, device=torch.device("cpu"), cache=self.out / "features")
        return time.process_time() - started


def compare(
    photos: tyro.conf.Positional[list[Path]],
    study: Study,
    voc: Path,
    out: Path,
    steps: int = 600,
    seeds: int = 3,
    bf16: bool = True,
) -> None:
    """Train, measure, print and write table.md.

    Args:
        photos: Folders or files to train on.
        study: What is compared.
        voc: The VOC devkit whose development fifth measures.
        out: Where everything goes.
        steps: Of each training.
        seeds: Trainings of each way.
        bf16: Whether forward passes run in bfloat16; slow on a processor without AVX-512 BF16.
    """
    comparison = Comparison(find_photographs(photos), out, bf16)
    comparison.trained("warm up", QUARTER, 1, 0)  # the features are cached before anything is timed
    rows = {
        way: [comparison.trained(way, model, steps, seed) for seed in range(seeds)]
        for way, model in STUDIES[study].items()
    }
    if study == "decoding":
        cheap, plain = (statistics.median(run.seconds for run in rows[way]) for way in (_CHEAP, _PLAIN))
        cut, short = f"{_PLAIN}, in the time of {_CHEAP}", max(1, round(steps * cheap / plain))
        rows[cut] = [comparison.trained(cut, EVERY, short, seed) for seed in range(seeds)]
    text = table(rows, voc)
    (out / "table.md").write_text(text)
    Console(width=200).print(text, highlight=False, markup=False)


def table(rows: dict[str, list[Trained]], voc: Path) -> str:
    """What each way took and reached, mean and standard deviation over its trainings, in Markdown."""
    head = ["", "steps", "processor seconds", *(f"{source}: {m}" for source in _SOURCES for m in METRICS)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for way, runs in rows.items():
        cells = [way, f"{runs[0].steps:,}", _spread([run.seconds for run in runs], 0)]
        for source in _SOURCES:
            figures = [reached(run.folder, source, voc) for run in runs]
            cells += [_spread([one[metric] for one in figures], 1) for metric in METRICS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def reached(folder: Path, source: MaskSource, voc: Path) -> dict[str, float]:
    """What a trained model reaches with one kind of masks, in per cent."""
    segmenter = load_model(folder)
    segmenter.model.config = replace(segmenter.model.config, masks_from=source)
    (figures,) = measure([segmenter], voc, folder / f"dev-{source}")
    return figures


def _spread(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    tyro.cli(compare)
