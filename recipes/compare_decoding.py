"""Cheap training beside plain: does decoding a share of the patches, or mixing the slots first, cost objects?

    python recipes/compare_decoding.py PHOTOS... --voc VOCdevkit --out runs/decoding

Plain slot attention (the preset `single-query`, read at 112 pixels) is trained with every decoder for as many steps,
and with every patch decoded for as much processor time as a quarter of them took; each with several seeds. Then both
kinds of masks, the decoder's and the slots' attention, are measured on the development fifth of VOC 2012 val, protocol
`paper`. Labels only measure. A killed
comparison goes on with the training that it was at.
"""

import json
import shutil
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from rich.console import Console

from slotlight.checkpoint import load_model
from slotlight.config import DecoderConfig, MaskSource, Precision, preset
from slotlight.datasets import VOCDataset
from slotlight.discovery import Discoverer
from slotlight.evaluation.evaluate import evaluate
from slotlight.images import find_photographs
from slotlight.training import train

PRESET, SIDE, BATCH = "single-query", 112, 16
PLAIN = DecoderConfig(hidden=256, layers=2)
WAYS = {
    "every patch": PLAIN,
    "a quarter of the patches": replace(PLAIN, patch_share=0.25),
    "mixer": replace(PLAIN, kind="mixer"),
    "mixer, a quarter of the patches": replace(PLAIN, kind="mixer", patch_share=0.25),
}
_CHEAP = "a quarter of the patches"  # what plain training is cut to the time of
_METRICS = ("mIoU", "mBO", "CorLoc")
_SOURCES: tuple[MaskSource, ...] = ("decoder", "attention")


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

    def trained(self, name: str, decoder: DecoderConfig, steps: int, seed: int) -> tuple[Path, float]:
        """A model folder and the processor seconds that it took; from an earlier run where this left them."""
        folder = self.out / f"{name.replace(' ', '-').replace(',', '')}-{seed}"
        kept = folder / "seconds.json"
        if not kept.exists():
            Console(stderr=True).print(f"{name}, seed {seed}, {steps} steps", highlight=False)
            shutil.rmtree(folder, ignore_errors=True)
            self._train(folder, decoder, steps, seed, kept)
        return folder, json.loads(kept.read_text())

    def _train(self, folder: Path, decoder: DecoderConfig, steps: int, seed: int, kept: Path) -> None:
        model, settings = preset(PRESET)
        model = replace(model, backbone=replace(model.backbone, image_size=SIDE), decoder=decoder)
        precision: Precision = "bf16" if self.bf16 else "fp32"
        settings = replace(settings, steps=steps, batch_size=BATCH, seed=seed, precision=precision)
        started = time.process_time()
        train(self.photos, folder, model, settings, device=torch.device("cpu"), cache=self.out / "features")
        kept.write_text(json.dumps(time.process_time() - started))


def compare(
    photos: tyro.conf.Positional[list[Path]],
    voc: Path,
    out: Path,
    steps: int = 2000,
    seeds: int = 3,
    bf16: bool = True,
) -> None:
    """Train, measure, print and write table.md.

    Args:
        photos: Folders or files to train on.
        voc: The VOC devkit whose development fifth measures.
        out: Where everything goes.
        steps: Of each training.
        seeds: Trainings of each way.
        bf16: Whether forward passes run in bfloat16; slow on a processor without AVX-512 BF16.
    """
    comparison = Comparison(find_photographs(photos), out, bf16)
    comparison.trained("warm up", PLAIN, 1, 0)  # the features are cached before anything is timed
    runs = {
        way: [comparison.trained(way, decoder, steps, seed) for seed in range(seeds)]
        for way, decoder in WAYS.items()
    }
    cheap, plain = (statistics.median(seconds for _, seconds in runs[way]) for way in (_CHEAP, "every patch"))
    short = round(steps * cheap / plain)
    cut = f"every patch, in the time of {_CHEAP}"
    runs[cut] = [comparison.trained(cut, PLAIN, short, seed) for seed in range(seeds)]
    head = ["", "steps", "processor seconds", *(f"{source}: {m}" for source in _SOURCES for m in _METRICS)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for way, trained in runs.items():
        cells = [way, f"{short if way == cut else steps:,}", _spread([seconds for _, seconds in trained], 0)]
        for source in _SOURCES:
            figures = [measure(folder, source, voc) for folder, _ in trained]
            cells += [_spread([100 * one[metric] for one in figures], 1) for metric in _METRICS]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    (out / "table.md").write_text(text)
    Console(width=200).print(text, highlight=False, markup=False)


def measure(folder: Path, source: MaskSource, voc: Path) -> dict[str, float]:
    """What a trained model reaches with one kind of masks."""
    segmenter = load_model(folder)
    segmenter.model.config = replace(segmenter.model.config, masks_from=source)
    found = [Discoverer(segmenter)]
    (table,) = evaluate(found, VOCDataset(voc, "dev"), ["paper"], out=folder / f"dev-{source}").tables
    return {figure.metric: figure.mean for figure in table.rows[0].figures}


def _spread(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    tyro.cli(compare)
