"""`slotlight evaluate`: names of models and photographs → tables and a folder of results."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lightning import Fabric
from rich.console import Console

from slotlight.config import Precision
from slotlight.datasets import DatasetSource, open_dataset
from slotlight.devices import check_devices, mention_slow_precision, pick_device
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ConfigError
from slotlight.evaluation.floors import floors_beneath
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.protocols import check_labels, find_protocol
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate
from slotlight.evaluation.trainings import load_trainings
from slotlight.loading import load
from slotlight.progress import quiet
from slotlight.report.terminal import print_tables
from slotlight.report.write import write_report


def run_evaluation(
    models: Sequence[str],
    protocols: Sequence[str],
    source: DatasetSource,
    options: EvaluationOptions | None = None,
    *,
    out: Path,
    floors: bool = True,
    device: str = "auto",
    devices: int = 1,
    precision: Precision = "fp32",
    weights: Path | None = None,
) -> Evaluation:
    """Evaluate, print the tables, and write results and report to ``out``.

    With several devices Lightning starts this command once for each of them; the first prints and writes. All options
    are those of `slotlight.cli.evaluate.evaluate`.

    Raises:
        SlotlightError: Any fault that a user can fix, in one sentence.
    """
    dataset = open_dataset(source)
    for protocol in protocols:  # before anything slow
        check_labels(find_protocol(protocol), dataset)
    if weights is not None and len({name.partition("@")[2] or name for name in models}) > 1:
        raise ConfigError(
            "--weights belongs to one backbone; evaluate models with different backbones one at a time."
        )
    fabric = _launch(device, devices)
    where = device if devices == 1 else str(fabric.device)
    loaded = [_load(name, options, weights=weights, device=where, precision=precision) for name in models]
    beneath = floors_beneath(loaded, precision) if floors else []
    evaluation = evaluate(
        loaded,
        dataset,
        protocols,
        out=out,
        floors=beneath,
        options=options,
        processes=fabric,
        command=shlex.join(["slotlight", *sys.argv[1:]]),
        progress=True,
    )
    if fabric.is_global_zero:
        _show(evaluation, out, loaded or beneath)
    return evaluation


def _load(
    name: str, options: EvaluationOptions | None, *, weights: Path | None, device: str, precision: Precision
) -> Discoverer:
    """A model by name, or several trainings of one."""
    if "," not in name or Path(name).exists():
        return load(name, weights=weights, device=device, precision=precision)
    folders = [Path(part) for part in name.split(",")]
    seeds = (options or EvaluationOptions()).seeds
    if seeds < len(folders):
        raise ConfigError(
            f"{len(folders)} trainings need as many seeds, one for each; pass --seeds {len(folders)}."
        )
    mention_slow_precision(chosen := pick_device(device), precision)
    return Discoverer(load_trainings(folders, weights=weights, device=chosen, precision=precision))


def _show(evaluation: Evaluation, out: Path, discoverers: Sequence[Discoverer]) -> None:
    """Write the report and print the tables; the results are safe, so whatever fails here is only mentioned."""
    failures = write_report(evaluation, out, discoverers)
    try:
        console = Console()
        print_tables(evaluation.tables, console)
        console.print(f"Curves, photographs and faults: {out / 'report.html'}", highlight=False, markup=False)
    except (OSError, UnicodeError) as error:
        failures.append(f"The tables could not be printed ({error}); they are in {out / 'report.json'}.")
    for failure in failures:
        with suppress(OSError, UnicodeError):
            print(f"slotlight: {failure}", file=sys.stderr)


def _launch(device: str, devices: int) -> Fabric:
    check_devices(chosen := pick_device(device), devices)
    accelerator = chosen.type
    with quiet("lightning.pytorch", "lightning.fabric", module=r"lightning\."):
        fabric = Fabric(accelerator=accelerator, devices=devices, strategy="ddp" if devices > 1 else "auto")
        fabric.launch()
    return fabric
