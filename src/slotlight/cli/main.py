"""The commands: ``slotlight discover | train | evaluate | models``. Torch is imported inside them."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import tyro
from tyro.conf import Positional

import slotlight
from slotlight.config import (
    BACKBONES,
    EMBEDDED,
    EMBEDDED_MILLION_PARAMS,
    DecoderKind,
    Facet,
    MaskKind,
    Precision,
    Start,
    preset,
)
from slotlight.errors import OutputError, SlotlightError

if TYPE_CHECKING:
    from rich.console import Console

    from slotlight.discovery.discovery import Discovery

Config = TypeVar("Config")
DONE, SOME_FAILED, WRONG_USE = 0, 1, 2
_SHOWN = 20  # rows of the table of photographs


def discover(
    paths: Positional[tuple[str, ...]] = (),
    *,
    out: Path,
    samples: bool = False,
    model: str = EMBEDDED,
    weights: Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    batch_size: int = 8,
    seed: int = 0,
    min_score: float | None = None,
    max_objects: int | None = None,
    overlays: bool = True,
) -> int:
    """Find the objects in photographs and write boxes, masks and pictures.

    Writes OUT/objects.json (COCO), OUT/masks/ (label maps; 0 is no object), OUT/overlays/ (pictures to look at)
    and OUT/failures.json. A run that was stopped goes on where it was when it is started again.
    Exit status: 0 all done, 1 some photographs failed (each is named), 2 wrong use.

    Args:
        paths: Photographs, folders (searched through) or "globs".
        out: The folder to write to.
        samples: Use the sample photographs that come with scikit-image.
        model: embedded, a folder that `slotlight train` wrote, or a baseline (see `slotlight models`).
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
        precision: Arithmetic of the model.
        batch_size: Photographs that go through the model at once.
        seed: Of the slots' initial noise.
        min_score: Keep objects that score at least this much, in 0..1.
        max_objects: Keep at most so many objects a photograph.
        overlays: Draw the pictures.
    """
    from rich.console import Console

    from slotlight.discovery.objects import ObjectRule
    from slotlight.discovery.results import ResultFolder, RunInfo
    from slotlight.discovery.samples import sample_photographs
    from slotlight.images import find_photographs
    from slotlight.loading import load

    if not paths and not samples:
        raise SlotlightError("Nothing to look at: name photographs or folders, or pass --samples.")
    photographs = find_photographs(paths) + (sample_photographs() if samples else [])
    rule = ObjectRule()
    rule = replace(rule, min_score=rule.min_score if min_score is None else min_score)
    rule = replace(rule, max_objects=rule.max_objects if max_objects is None else max_objects)
    discoverer = load(model, weights=weights, device=device, precision=precision, rule=rule)
    info = RunInfo(discoverer.name, slotlight.__version__, seed, f"{rule}, {precision}, overlays={overlays}")
    folder = ResultFolder(out, photographs, info, overlays=overlays)
    failures: list[tuple[Path, str]] = []
    rows: list[tuple[Path, int, float]] = []
    console = Console()
    try:
        left = [path for path in photographs if path not in folder.done]
        found = discoverer.stream(
            left,
            batch_size=batch_size,
            seed=seed,
            on_error=lambda source, fault: failures.append((Path(str(source)), str(fault))),
        )
        for discovery in _progress(found, len(left), console):
            folder.add(discovery)
            if len(rows) < _SHOWN and discovery.path:
                rows.append((discovery.path, len(discovery), float(max(discovery.scores, default=0.0))))
        folder.finish(failures)
    finally:
        folder.close()
    _print_discoveries(console, rows, len(photographs) - len(failures), out)
    for _, cause in failures:
        print(f"failed: {cause}", file=sys.stderr)
    return SOME_FAILED if failures else DONE


def train(
    paths: Positional[tuple[str, ...]],
    *,
    out: Path,
    preset_name: Annotated[
        Literal["embedded", "paper", "single-query"] | None, tyro.conf.arg(name="preset")
    ] = None,
    backbone: str | None = None,
    weights: Path | None = None,
    facet: Facet | None = None,
    layer: int | None = None,
    image_size: int | None = None,
    slots: int | None = None,
    heads: int | None = None,
    start: Start | None = None,
    masking: MaskKind | None = None,
    mask_ratio: float | None = None,
    decoder: DecoderKind | None = None,
    decode_patches: float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    precision: Precision | None = None,
    compile: bool = False,
    devices: int | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    start_over: bool = False,
) -> int:
    """Train slots on a folder of photographs, without a label.

    The backbone's features are computed once and kept in OUT/features; a run that was stopped goes on where it was
    when it is started again.
    OUT then loads with `slotlight discover --model OUT`. What is not given comes from the preset.

    Args:
        paths: Photographs, folders (searched through) or "globs".
        out: The folder to write to.
        preset_name: Where unnamed numbers come from; embedded for the embedded backbone, paper for any other.
            single-query is plain slot attention, the floor of that name.
        backbone: embedded, a name of `slotlight models`, or a timm network.
        weights: A local file with the backbone's weights.
        facet: What of the backbone's block is read.
        layer: Which block; negative counts from the last.
        image_size: Photographs are squashed to this square.
        slots: Slots of a head.
        heads: Independent sets of slots.
        start: Weights before training: random as published, or soft k-means of the features.
        masking: Which patches the slots may not see.
        mask_ratio: The share of them.
        decoder: mlp or mixer.
        decode_patches: Share of the patches that a step reconstructs.
        steps: Optimiser steps.
        batch_size: Photographs a step.
        learning_rate: Adam's.
        precision: Arithmetic of the forward pass.
        compile: Compile the step first; it pays on long runs, and needs a C++ compiler.
        devices: Number of devices.
        seed: Of everything random.
        device: auto, cpu, cuda, mps, ...
        resume: Insist that OUT holds a run to go on with.
        start_over: Delete the run in OUT, whatever it was, and begin anew.
    """
    from slotlight.devices import pick_device
    from slotlight.images import find_photographs
    from slotlight.training.train import train as run

    own = "embedded" if backbone in (None, EMBEDDED) else "paper"
    model_config, train_config = preset(preset_name or own)
    chosen = _override(
        model_config.backbone, name=backbone, weights=weights, facet=facet, layer=layer, image_size=image_size
    )
    model_config = replace(
        model_config,
        backbone=chosen,
        slots=_override(model_config.slots, slots=slots, heads=heads, start=start),
        masking=_override(model_config.masking, kind=masking, ratio=mask_ratio),
        decoder=_override(model_config.decoder, kind=decoder, patch_share=decode_patches),
    )
    train_config = _override(
        train_config,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        precision=precision,
        compile=compile,
        devices=devices,
        seed=seed,
    )
    folder = run(
        find_photographs(paths),
        out,
        model_config,
        train_config,
        device=pick_device(device),
        resume=resume,
        start_over=start_over,
    )
    print(f"The model is in {folder}; use it with: slotlight discover PHOTOS --out found --model {folder}")
    return DONE


def evaluate(
    *,
    data: str,
    protocol: tuple[str, ...] = ("paper",),
    model: tuple[str, ...] = (EMBEDDED,),
    split: str | None = None,
    annotations: Path | None = None,
    masks: Path | None = None,
    mask_kind: Literal["binary", "instances", "classes"] = "binary",
    out: Path = Path("evaluation"),
    seeds: int = 1,
    limit: int | None = None,
    floors: bool = True,
    on_error: Literal["stop", "skip"] = "stop",
    weights: Path | None = None,
    batch_size: int = 8,
    device: str = "auto",
    devices: int = 1,
    precision: Precision = "fp32",
) -> int:
    """Measure models under named protocols, beside floors that cost nothing.

    Prints a table for each protocol and writes OUT/report.html, OUT/report.json, OUT/report.md and OUT/per_image/.
    A run that was stopped goes on where it was when it is started again.

    Args:
        data: A VOC devkit, a folder of photographs, or "synthetic" for drawn scenes.
        protocol: paper, paper-as-released, instances, corloc, detection, saliency; several are possible.
        model: What `slotlight discover --model` takes; several are possible.
        split: dev, test or val of VOC 2012, or another of the devkit's lists.
        annotations: A COCO instances JSON of the photographs in DATA.
        masks: A folder of masks of the photographs in DATA, matched by name.
        mask_kind: What the values of those masks mean.
        out: The folder to write to.
        seeds: Seeds 0, 1, ... of each model that draws anything.
        limit: Only so many photographs, from the first.
        floors: Add the floors to every table.
        on_error: What to do at a photograph or label that cannot be used.
        weights: A local file with the backbones' weights.
        batch_size: Photographs that go through a model at once.
        device: auto, cpu, cuda, mps, ...
        devices: Number of devices.
        precision: Arithmetic of the models.
    """
    from slotlight.cli.evaluate import run_evaluation
    from slotlight.datasets import DatasetSource

    run_evaluation(
        model,
        protocol,
        DatasetSource(data, split, annotations, masks, mask_kind),
        out=out,
        seeds=seeds,
        limit=limit,
        floors=floors,
        on_error=on_error,
        batch_size=batch_size,
        device=device,
        devices=devices,
        precision=precision,
        weights=weights,
    )
    return DONE


def models() -> int:
    """List models, baselines and backbones, with size, licence and whether their weights are here."""
    from rich.console import Console
    from rich.table import Table

    from slotlight.backbones import weights_on_machine
    from slotlight.baselines import BASELINES

    console = Console()
    table = Table(title="Models (--model)", title_justify="left")
    for column in ("name", "what"):
        table.add_column(column)
    table.add_row(EMBEDDED, "the model in the package")
    table.add_row("FOLDER", "a folder that `slotlight train` wrote")
    for name, baseline in BASELINES.items():
        table.add_row(f"{name}@BACKBONE" if baseline.needs_backbone else name, baseline.summary)
    console.print(table)
    table = Table(title="Backbones (--backbone, @BACKBONE)", title_justify="left")
    for column in ("name", "parameters", "licence", "weights here"):
        table.add_column(column, no_wrap=column == "name")
    own = f"{EMBEDDED_MILLION_PARAMS:.1f} M"
    table.add_row(EMBEDDED, own, "Apache-2.0", "yes" if weights_on_machine(EMBEDDED) else "no")
    for name, entry in BACKBONES.items():
        here = "yes" if weights_on_machine(name) else "no"
        table.add_row(name, f"{entry.million_params:.1f} M", entry.licence, here)
    console.print(table)
    console.print("Weights that are not here come from the hub, or from a file with --weights FILE.")
    console.print("Any other timm ViT or ConvNet works by its timm name.")
    return DONE


def _override(config: Config, **values: object) -> Config:
    """The config with those values that were given."""
    given = {name: value for name, value in values.items() if value is not None}
    return replace(config, **given)  # type: ignore[type-var]


def main() -> None:
    """Run the command line."""
    commands: dict[str, Callable[..., int]] = {
        "discover": discover,
        "train": train,
        "evaluate": evaluate,
        "models": models,
    }
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # Photographs come in many sizes, and oneDNN keeps kernels with their workspace for each, torch what leads to them:
    # memory that grows for long.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    try:
        status = tyro.extras.subcommand_cli_from_dict(
            commands, prog="slotlight", description=slotlight.__doc__.splitlines()[0]
        )
    except OutputError as fault:
        print(f"slotlight: {fault}", file=sys.stderr)
        status = SOME_FAILED
    except SlotlightError as fault:
        print(f"slotlight: {fault}", file=sys.stderr)
        status = WRONG_USE
    except ModuleNotFoundError as fault:
        extras = "slotlight[train,evaluate,samples]"
        print(f"slotlight: this needs {fault.name}; install it with: pip install '{extras}'", file=sys.stderr)
        status = WRONG_USE
    except KeyboardInterrupt:
        print("slotlight: stopped; the same command goes on from here.", file=sys.stderr)
        status = 130
    sys.exit(status)


def _progress(found: "Iterable[Discovery]", total: int, console: "Console") -> "Iterable[Discovery]":
    from rich.progress import track

    return track(
        found, "Looking at photographs", total=total, console=console, disable=not console.is_terminal
    )


def _print_discoveries(console: "Console", rows: list[tuple[Path, int, float]], done: int, out: Path) -> None:
    from rich.table import Table

    table = Table()
    table.add_column("photograph")
    table.add_column("objects", justify="right")
    table.add_column("best score", justify="right")
    for path, count, best in rows:
        table.add_row(path.name, str(count), f"{best:.2f}" if count else "-")
    console.print(table)
    if done > len(rows):
        console.print(f"... and {done - len(rows)} more")
    console.print(f"{done} photographs: pictures in {out / 'overlays'}, objects in {out / 'objects.json'}")
