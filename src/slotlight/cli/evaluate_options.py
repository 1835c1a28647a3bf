"""``slotlight evaluate``: its options."""

from pathlib import Path
from typing import Literal

from slotlight.config import EMBEDDED, Precision


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
        protocol: paper, paper-as-released, instances, corloc, detection, masks, saliency; several are possible.
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
    from slotlight.evaluation.options import EvaluationOptions

    run_evaluation(
        model,
        protocol,
        DatasetSource(data, split, annotations, masks, mask_kind),
        EvaluationOptions(seeds=seeds, limit=limit, batch_size=batch_size, on_error=on_error),
        out=out,
        floors=floors,
        device=device,
        devices=devices,
        precision=precision,
        weights=weights,
    )
    return 0
