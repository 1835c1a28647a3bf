"""``slotlight calibrate``: a model and labelled photographs → the same model with scores that are probabilities."""

from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from slotlight.config import EMBEDDED
from slotlight.evaluation.options import EvaluationOptions


def calibrate(
    *,
    data: str,
    out: Path,
    model: str = EMBEDDED,
    protocol: Literal["detection", "masks"] = "detection",
    split: str | None = None,
    annotations: Path | None = None,
    masks: Path | None = None,
    mask_kind: Literal["binary", "instances", "classes"] = "binary",
    options: OmitArgPrefixes[EvaluationOptions] = EvaluationOptions(),  # noqa: B008
    weights: Path | None = None,
    device: str = "auto",
) -> int:
    """Make probabilities of a model's scores: of the objects that score 0.6, six in ten are right.

    Two numbers are fitted to labelled photographs, and OUT is the same model with them: it finds the same objects in
    the same order. The model remembers whose labels they were. Choose on other photographs than you measure on.

    Args:
        data: A VOC devkit, a folder of photographs, or "synthetic" for drawn scenes.
        out: The folder to write the model to; OUT/evaluation holds what was measured.
        model: embedded, or a folder that `slotlight train` or `slotlight distil` wrote.
        protocol: Whether boxes (detection) or masks are right.
        split: dev, test or val of VOC 2012, or another of the devkit's lists.
        annotations: A COCO instances JSON for the photographs in DATA.
        masks: A folder of masks for the photographs in DATA, matched by name.
        mask_kind: What the values of those masks mean.
        options: How much is measured, and how.
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
    """
    from slotlight.datasets import DatasetSource, open_dataset
    from slotlight.evaluation.calibration import calibrate as run

    fit = run(
        model,
        open_dataset(DatasetSource(data, split, annotations, masks, mask_kind)),
        out=out,
        protocol=protocol,
        weights=weights,
        device=device,
        options=options,
        progress=True,
    )
    now, raw, held_out = fit.calibration, fit.raw, fit.held_out
    print(
        f"Fitted to {fit.objects:,} objects ({now.labels}), {fit.right:,} of them right: slope {now.slope:.3f}, "
        f"intercept {now.intercept:.3f}.\n"
        f"On photographs held out, in per cent: expected calibration error {100 * held_out.expected:.1f} (raw scores: "
        f"{100 * raw.expected:.1f}), Brier score {100 * held_out.squared:.1f} ({100 * raw.squared:.1f}).\n"
        f"The model is in {out}; use it with: slotlight discover PHOTOS --out found --model {out}"
    )
    return 0
