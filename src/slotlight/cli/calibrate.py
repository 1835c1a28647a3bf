"""``slotlight calibrate``: a model and labelled photographs → the same model with scores that are probabilities."""

from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from slotlight.config import EMBEDDED
from slotlight.config.data import DatasetSource
from slotlight.evaluation.options import EvaluationOptions


def calibrate(
    *,
    source: OmitArgPrefixes[DatasetSource],
    out: Path,
    model: str = EMBEDDED,
    protocol: Literal["detection", "masks"] = "detection",
    options: OmitArgPrefixes[EvaluationOptions] = EvaluationOptions(),  # noqa: B008
    weights: Path | None = None,
    device: str = "auto",
) -> int:
    """Turn a model's scores into probabilities: of the objects that score 0.6, six in ten are right.

    Two numbers are fitted to labelled photographs, and OUT is the same model with them: it finds the same objects in
    the same order. The model records which labels were used. Fit on other photographs than you measure on.

    Args:
        source: What the scores are fitted to.
        out: The folder to write the model to; OUT/evaluation holds what was measured.
        model: embedded, or a folder that `slotlight train` or `slotlight distil` wrote.
        protocol: Whether boxes (detection) or masks are right.
        options: How much is measured, and how.
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
    """
    from slotlight.datasets import open_dataset
    from slotlight.evaluation.calibration import calibrate as run

    fit = run(
        model,
        open_dataset(source),
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
