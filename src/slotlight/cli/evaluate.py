"""``slotlight evaluate``: its options."""

from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from slotlight.config import EMBEDDED, Precision
from slotlight.evaluation.options import EvaluationOptions


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
        data: A VOC devkit, a folder of photographs, or "synthetic" for drawn scenes.
        protocol: One or more of paper, paper-as-released, instances, corloc, detection, masks, saliency.
        model: One or more models, as `slotlight discover --model` takes them.
        split: dev, test or val of VOC 2012, or another of the devkit's lists.
        annotations: A COCO instances JSON for the photographs in DATA.
        masks: A folder of masks for the photographs in DATA, matched by name.
        mask_kind: What the values of those masks mean.
        out: The folder to write to.
        options: How much is measured, and how.
        floors: Add the floors to every table.
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
        devices: Number of devices.
        precision: Precision of the models' arithmetic.
    """
    from slotlight.cli.evaluation import run_evaluation
    from slotlight.datasets import DatasetSource

    run_evaluation(
        model,
        protocol,
        DatasetSource(data, split, annotations, masks, mask_kind),
        options,
        out=out,
        floors=floors,
        device=device,
        devices=devices,
        precision=precision,
        weights=weights,
    )
    return 0
