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
    """Measure models under named protocols, beside floors that cost nothing.

    Prints a table for each protocol and writes OUT/report.html, OUT/report.json, OUT/report.md and OUT/per_image/.
    A run that was stopped goes on where it was when it is started again.

    Args:
        data: A VOC devkit, a folder of photographs, or "synthetic" for drawn scenes.
        protocol: paper, paper-as-released, instances, corloc, detection, masks, saliency; several are possible.
        model: What `slotlight discover --model` takes; several are possible.
        split: dev, test or val of VOC 2012, or another of the devkit's lists.
        annotations: A COCO instances JSON of the photographs in DATA.
        masks: A folder of masks of the photographs in DATA, matched by name.
        mask_kind: What the values of those masks mean.
        out: The folder to write to.
        options: How much is measured, and how.
        floors: Add the floors to every table.
        weights: A local file with the backbones' weights.
        device: auto, cpu, cuda, mps, ...
        devices: Number of devices.
        precision: Arithmetic of the models.
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
