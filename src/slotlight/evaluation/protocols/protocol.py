"""What a protocol is: which photographs and labels it compares, how, and what the numbers are called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Num, Shaped
from torch import Tensor

from slotlight.datasets.sample import Dataset, LabelKind, Labels, Sample
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.images import RGBImage

Label = TypeVar("Label")


@dataclass(frozen=True)
class Metric:
    """A column of a table.

    Attributes:
        name: Its heading.
        meaning: One sentence for the report.
        pooled: Whether it is computed from all photographs at once, so that none has a value of its own.
        lower_is_better: Whether it measures an error.
    """

    name: str
    meaning: str
    pooled: bool = False
    lower_is_better: bool = False


@dataclass(frozen=True)
class View:
    """What a model is shown of a photograph, and which labels that is compared with.

    Protocols that share a view share the model's work.

    Attributes:
        resolution: In words, for the report.
        image: The photograph as the model is shown it.
        labels: The labels in the same frame, given the photograph's (height, width).
    """

    resolution: str
    image: Callable[[RGBImage], RGBImage]
    labels: Callable[[Labels, tuple[int, int]], Labels]


NATIVE = View("native size", image=lambda image: image, labels=lambda labels, _: labels)
"""Photographs and labels as they are."""


@dataclass(frozen=True)
class Pool:
    """How a protocol's pooled metrics are computed, by their names.

    Attributes:
        estimates: Of all photographs.
        weighted: Under each of many draws of the photographs' weights, for intervals and tests.
        objects: How many annotated objects each metric is about, where that differs between metrics.
    """

    estimates: Callable[[Sequence[Measured]], dict[str, float]]
    weighted: Callable[
        [Sequence[Measured], Num[np.ndarray, "draw image"]], dict[str, Float[np.ndarray, " draw"]]
    ]
    objects: Callable[[Sequence[Measured]], dict[str, int]] = lambda _: {}


@dataclass(frozen=True)
class Protocol:
    """A named way to measure.

    Attributes:
        name: As it is asked for and printed.
        summary: One sentence.
        needs: The kinds of labels that it cannot do without.
        view: What the model is shown.
        metrics: The columns of its table.
        measure: One photograph's values.
        pool: The pooled metrics, if it has any.
        welcomes: The kinds of labels that it uses if they are there.
        shows_slots: Whether it judges all slots, background too, so that pictures show them rather than objects.
    """

    name: str
    summary: str
    needs: frozenset[LabelKind]
    view: View
    metrics: tuple[Metric, ...]
    measure: Callable[[Discovery, Labels], Measured]
    pool: Pool | None = None
    welcomes: frozenset[LabelKind] = frozenset()
    shows_slots: bool = False

    def read_labels(self, dataset: Dataset, sample: Sample, size: tuple[int, int]) -> Labels:
        """The labels that its view of a photograph of this (height, width) is compared with.

        Raises:
            DatasetError: They cannot be read.
        """
        kinds = self.needs | (self.welcomes & dataset.label_kinds)
        return self.view.labels(sample.read_labels(kinds), size)


def required(label: Label | None) -> Label:
    """A label that the protocol needs, and so has been given."""
    if label is None:
        raise ValueError("a protocol measures only what it has asked for; this label was not read")
    return label


def as_batch(array: Shaped[np.ndarray, "height width"]) -> Shaped[Tensor, "1 height width"]:
    """One map as a batch of one, as the metrics take it."""
    return torch.tensor(array)[None]
