"""`slotlight evaluate`: names of models and photographs → tables, ``report.json``, ``report.html``."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lightning import Fabric
from rich.console import Console

from slotlight.baselines import BASELINES, FLOORS, build_baseline
from slotlight.baselines.single_query import SINGLE_QUERY, is_trained_on
from slotlight.config import Precision
from slotlight.datasets import DatasetSource, open_dataset
from slotlight.devices import pick_device
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError
from slotlight.evaluation.protocols import find_protocol
from slotlight.evaluation.run import evaluate
from slotlight.evaluation.runner import OnError
from slotlight.evaluation.tables import Report
from slotlight.loading import load
from slotlight.report.page import write_report
from slotlight.report.terminal import print_tables
from slotlight.training.quiet_lightning import quiet_lightning


def run_evaluation(
    models: Sequence[str],
    protocols: Sequence[str],
    source: DatasetSource,
    *,
    out: Path,
    seeds: int = 1,
    limit: int | None = None,
    floors: bool = True,
    on_error: OnError = "stop",
    batch_size: int = 8,
    device: str = "auto",
    devices: int = 1,
    precision: Precision = "fp32",
    weights: Path | None = None,
) -> Report:
    """Evaluate, print the tables, and write ``report.json``, ``report.html`` and ``per_image/`` to ``out``.

    With several devices Lightning starts this command once for each of them; the first prints and writes.

    Args:
        models: What `slotlight.load` takes.
        protocols: Names of `slotlight.evaluation.protocols.PROTOCOLS`.
        source: The photographs and their labels.
        out: The folder to write to; a run that was stopped goes on from what is there.
        seeds: Seeds 0, 1, … of each model.
        limit: Only so many photographs, from the first.
        floors: Whether to add the floors to every table.
        on_error: Whether to ``stop`` at a photograph or label that cannot be used, or to ``skip`` and list it.
        batch_size: Photographs that go through a model at once.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, …
        devices: How many of them.
        precision: Arithmetic of the models.
        weights: A local file with the weights of the backbones.

    Raises:
        SlotlightError: Anything that a user can mend, in one sentence.
    """
    dataset = open_dataset(source)
    for protocol in protocols:  # before anything slow
        find_protocol(protocol).check(dataset)
    fabric = _launch(device, devices)
    where = device if devices == 1 else str(fabric.device)
    found = [load(name, weights=weights, device=where, precision=precision) for name in models]
    beneath = _floors(found) if floors else []
    report = evaluate(
        found,
        dataset,
        protocols,
        out=out,
        floors=beneath,
        seeds=seeds,
        limit=limit,
        batch_size=batch_size,
        on_error=on_error,
        processes=fabric,
        command=shlex.join(["slotlight", *sys.argv[1:]]),
        progress=True,
    )
    if fabric.is_global_zero:
        console = Console()
        print_tables(report, console)
        write_report(report, out, found or beneath, dataset)
        console.print(f"Curves, photographs and faults: {out / 'report.html'}", highlight=False)
    return report


def _launch(device: str, devices: int) -> Fabric:
    if devices < 1:
        raise DatasetError("The number of devices must be at least 1.")
    accelerator = pick_device(device).type
    with quiet_lightning():
        fabric = Fabric(accelerator=accelerator, devices=devices, strategy="ddp" if devices > 1 else "auto")
        fabric.launch()
    return fabric


def _floors(discoverers: Sequence[Discoverer]) -> list[Discoverer]:
    """Those that look at no features, and those on each model's own; but none that is evaluated anyway."""
    plain = [build_baseline(name) for name in FLOORS if not BASELINES[name].needs_backbone]
    read = [discoverer.segmenter.backbone for discoverer in discoverers]
    backbones = {backbone.name: backbone for backbone in read if backbone is not None}
    on_features = [
        build_baseline(name, backbone)
        for backbone in backbones.values()
        for name in FLOORS
        if BASELINES[name].needs_backbone and (name != SINGLE_QUERY or is_trained_on(backbone))
    ]
    controls = [control for d in discoverers for control in d.segmenter.controls()]
    beneath = {segmenter.name: segmenter for segmenter in (*plain, *on_features, *controls)}
    present = {d.name for d in discoverers}
    return [Discoverer(segmenter) for name, segmenter in beneath.items() if name not in present]
