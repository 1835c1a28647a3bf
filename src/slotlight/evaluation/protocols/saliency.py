"""All objects together against the foreground."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Num

from slotlight import metrics
from slotlight.datasets.sample import LabelKind, Labels
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols.protocol import NATIVE, Metric, Pool, Protocol, as_batch, required


def measure_saliency(found: Discovery, labels: Labels) -> Measured:
    """The union of all objects against the foreground; as a soft map each pixel has its object's score."""
    annotated = as_batch(required(labels.foreground))
    objects = found.labels
    saliency = as_batch(np.concatenate([[0], found.scores]).astype(np.float32)[objects])
    agreement = metrics.mask_agreement(as_batch(objects > 0), annotated)
    return Measured(
        {"IoU": float(agreement.iou), "accuracy": float(agreement.accuracy)},
        f_beta=tuple(metrics.f_beta_curve(saliency, annotated)[0].tolist()),
    )


def _pooled(images: Sequence[Measured]) -> dict[str, float]:
    curves = torch.tensor([i.f_beta for i in images], dtype=torch.float64)
    return {"max F-beta": metrics.max_f_beta(curves)}


def _weighted(
    images: Sequence[Measured], weights: Num[np.ndarray, "draw image"]
) -> dict[str, Float[np.ndarray, " draw"]]:
    curves = torch.tensor([i.f_beta for i in images], dtype=torch.float64)
    return {"max F-beta": metrics.weighted_f_beta(curves, torch.from_numpy(weights)).numpy()}


SALIENCY = Protocol(
    name="saliency",
    summary="All objects together against the foreground.",
    needs=frozenset({LabelKind.FOREGROUND}),
    view=NATIVE,
    metrics=(
        Metric("IoU", "IoU of the union of all objects with the foreground."),
        Metric("accuracy", "Share of pixels rightly called object or background."),
        Metric("max F-beta", "F-beta (0.3) of the scored map at the one best threshold.", pooled=True),
    ),
    measure=measure_saliency,
    pool=Pool(_pooled, _weighted),
)
