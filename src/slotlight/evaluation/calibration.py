"""A model's scores → probabilities of being right, fitted to labelled photographs; its weights do not change."""

from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64

from slotlight.choosing import choose_segmenter
from slotlight.config import EMBEDDED, Calibration, ObjectRule
from slotlight.datasets import Dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.segments import calibrated
from slotlight.errors import ConfigError, DatasetError
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate
from slotlight.files import begin_run, pretrained, writing_to
from slotlight.metrics.calibration import Judged, binned_error, fit_logistic, judge, squared_error
from slotlight.model.checkpoint import save_calibrated
from slotlight.segmenter import Segmenter

FOLDS = 5
REPEATS = 10
FEWEST = 20
PROTOCOLS = ("detection", "masks")
_EVALUATION = "evaluation"
_OUTPUTS = (_EVALUATION, "config.json", "slots.safetensors", "detector.safetensors")


@dataclass(frozen=True)
class Errors:
    """How far scores are from what they should be.

    Attributes:
        expected: The expected calibration error.
        squared: The Brier score.
    """

    expected: float
    squared: float

    @classmethod
    def of(cls, scores: Float[np.ndarray, " region"], right: Bool[np.ndarray, " region"]) -> "Errors":
        """Of scores beside whether each is right."""
        return cls(binned_error(scores, right), squared_error(scores, right))


@dataclass(frozen=True)
class Fit:
    """What a fit gave.

    Attributes:
        calibration: The fit to all objects.
        objects: How many objects were judged.
        right: How many of them were right.
        raw: The errors of the model's raw scores.
        held_out: Those of fits to four fifths of the photographs, on the other fifth, mean over ten divisions.
    """

    calibration: Calibration
    objects: int
    right: int
    raw: Errors
    held_out: Errors


def calibrate(
    model: str | Path,
    dataset: Dataset,
    *,
    out: str | Path,
    protocol: str = "detection",
    weights: Path | None = None,
    device: str = "auto",
    options: EvaluationOptions | None = None,
    progress: bool = False,
) -> Fit:
    """Write a copy of a model whose scores are probabilities of being right, fitted to labelled photographs.

    Nothing else of the model changes: it finds the same objects in the same order. What was measured is kept in
    ``out/evaluation``; a run that was stopped goes on from there.

    Args:
        model: ``embedded``, or a folder that `slotlight.train` or `slotlight.distil` wrote.
        dataset: The photographs and their labels.
        out: A new or empty folder, or that of the same run.
        protocol: ``detection`` judges boxes, ``masks`` masks.
        weights: A local file with the backbone's weights.
        device: ``cpu``, ``cuda``, ``mps``, ...; ``auto`` takes the first accelerator there is.
        options: Seeds, number of photographs and so on.
        progress: Whether to show a progress bar.

    Raises:
        ConfigError: There is no such model folder, or see `fit_calibration`.
        DatasetError: See `fit_calibration`.
        OutputError: The folder holds another run.
    """
    folder, out, options = Path(model), Path(out), options or EvaluationOptions()
    if str(model) == EMBEDDED:
        folder = pretrained()
    elif not folder.is_dir():
        raise ConfigError(
            f"{model} is not a folder that `slotlight train` or `slotlight distil` wrote; only the scores of such "
            f"models, and of {EMBEDDED}, can be calibrated."
        )
    segmenter = choose_segmenter(str(model), weights, device, "fp32")
    identity = {"calibrated": segmenter.fingerprint(), "data": f"{dataset.name} {dataset.split}"}
    identity |= {"protocol": protocol} | asdict(options)
    with begin_run(out, identity, outputs=_OUTPUTS):
        fit = fit_calibration(
            segmenter, dataset, out=out / _EVALUATION, protocol=protocol, options=options, progress=progress
        )
        with writing_to(out):
            about = {name: value for name, value in asdict(fit).items() if name != "calibration"}
            save_calibrated(folder, out, fit.calibration, about)
    return fit


def fit_calibration(
    segmenter: Segmenter,
    dataset: Dataset,
    *,
    out: str | Path,
    protocol: str = "detection",
    options: EvaluationOptions | None = None,
    progress: bool = False,
) -> Fit:
    """Find what makes probabilities of a model's scores, on labelled photographs.

    Args:
        segmenter: The model; a calibration that it has already counts for nothing.
        dataset: The photographs and their labels.
        out: Where to keep what is measured, as `slotlight.evaluate` does; a run that was stopped goes on from there.
        protocol: ``detection`` judges boxes, ``masks`` masks.
        options: Seeds, number of photographs and so on.
        progress: Whether to show a progress bar.

    Raises:
        ConfigError: The protocol judges no scores, or the scores do not tell right from wrong.
        DatasetError: The dataset lacks the labels, or too few objects are found in it.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"The protocol {protocol!r} does not judge scores; valid: {', '.join(PROTOCOLS)}.")
    raw = copy(segmenter)
    raw.calibration = Calibration()
    everything = Discoverer(raw, rule=ObjectRule(min_score=0.0, max_objects=100))
    (result,) = evaluate(
        [everything], dataset, [protocol], out=out, options=options, progress=progress
    ).results
    regions = [[image.regions for image in seed.values() if image.regions] for seed in result.values[0].seeds]
    judged = together([judge(images) for images in regions])
    right = int(judged.right.sum())
    if min(right, len(judged.right) - right) < FEWEST:
        raise DatasetError(
            f"{dataset.name} ({dataset.split}) has {right} right and {len(judged.right) - right} wrong objects; at "
            f"least {FEWEST} of each are needed, so give more photographs."
        )
    labels = f"{dataset.name} {dataset.split}, {protocol}"
    return Fit(
        fitted(judged, labels),
        len(judged.right),
        right,
        Errors.of(judged.scores, judged.right),
        cross_validated(judged, labels),
    )


def together(seeds: Sequence[Judged]) -> Judged:
    """The objects of the same images under several seeds."""
    parts = ([getattr(seed, name) for seed in seeds] for name in ("scores", "right", "image"))
    return Judged(*(np.concatenate(part) for part in parts))


def fitted(judged: Judged, labels: str) -> Calibration:
    """The logistic fit to some objects.

    Raises:
        ConfigError: Objects with higher scores are not right more often.
    """
    slope, intercept = fit_logistic(judged.scores, judged.right)
    if slope <= 0:
        raise ConfigError(
            f"Objects with higher scores are not right more often ({labels}), so the scores cannot be calibrated; give "
            "more photographs or another model."
        )
    return Calibration(slope=slope, intercept=intercept, labels=labels)


def cross_validated(judged: Judged, labels: str) -> Errors:
    """The errors of fits on photographs that they have not seen: five folds, mean over ten divisions (seeds 0 to 9).

    Raises:
        ConfigError: See `fitted`; it is asked of every fit.
    """
    errors = []
    for seed in range(REPEATS):
        fold = folds(judged.image, seed)
        scores = np.zeros(len(fold))
        for held_out in range(FOLDS):
            seen, unseen = fold != held_out, fold == held_out
            part = Judged(judged.scores[seen], judged.right[seen], judged.image[seen])
            fit = fitted(part, f"{labels}, a fifth of the photographs held out")
            scores[unseen] = calibrated(judged.scores[unseen], fit)
        errors.append(Errors.of(scores, judged.right))
    means = (float(np.mean([getattr(one, part) for one in errors])) for part in ("expected", "squared"))
    return Errors(*means)


def folds(images: Int64[np.ndarray, " region"], seed: int) -> Int64[np.ndarray, " region"]:
    """The fold of each object; all objects of a photograph are in one."""
    order = np.random.default_rng(seed).permutation(int(images.max()) + 1)
    fold: Int64[np.ndarray, " region"] = (order % FOLDS)[images]
    return fold
