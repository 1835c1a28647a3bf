"""``slotlight evaluate``: its options."""

from pathlib import Path

from tyro.conf import OmitArgPrefixes

from slotlight.config import EMBEDDED, Precision
from slotlight.config.data import DatasetSource
from slotlight.evaluation.options import EvaluationOptions


def evaluate(
    *,
    source: OmitArgPrefixes[DatasetSource],
    protocol: tuple[str, ...] = ("paper",),
    model: tuple[str, ...] = (EMBEDDED,),
    out: Path = Path("evaluation"),
    options: OmitArgPrefixes[EvaluationOptions] = EvaluationOptions(),  # noqa: B008
    floors: bool = True,
    weights: Path | None = None,
    device: str = "auto",
    devices: int = 1,
    precision: Precision = "fp32",
) -> int:
    """Measure models under named protocols, and compare them with trivial floors.

    Prints a table for each protocol and writes OUT/report.html, OUT/report.json, OUT/report.md and OUT/per_image/.
    The same command, run again, resumes where it stopped.

    Args:
        source: What is measured on.
        protocol: One or more of paper, paper-as-released, instances, corloc, detection, masks, saliency.
        model: One or more models, as `slotlight discover --model` takes them. Folders joined by commas are
            trainings of one model with different seeds and make one row: seed i is the i-th training.
        out: The folder to write to.
        options: How much is measured, and how.
        floors: Add the floors to every table.
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
        devices: Number of devices.
        precision: Precision of the models' arithmetic.
    """
    from slotlight.cli.evaluation import run_evaluation

    run_evaluation(
        model,
        protocol,
        source,
        options,
        out=out,
        floors=floors,
        device=device,
        devices=devices,
        precision=precision,
        weights=weights,
    )
    return 0
