"""The metrics against values of independent implementations; sizes are read off the arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from slotlight.metrics import (
    best_box_corloc,
    best_overlap,
    confusion_matrix,
    foreground_rand_index,
    hungarian_iou,
    label_boxes,
)

NUM_CLASSES = 21
CLOSE = {"rtol": 0, "atol": 1e-9}


def load(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.fixture
def authors(golden_dir: Path) -> dict[str, NDArray[np.generic]]:
    return load(golden_dir / "metrics_authors.npz")


@pytest.fixture
def standard(golden_dir: Path) -> dict[str, NDArray[np.generic]]:
    return load(golden_dir / "metrics_standard.npz")


def as_authors_do(name: str, slots: Tensor, labels: Tensor) -> Tensor:
    confusion = confusion_matrix(slots, labels)
    if name == "miou":
        return hungarian_iou(confusion, background=True, count_void=True)
    if name == "mbo":
        return best_overlap(confusion, count_void=True)
    boxes = label_boxes(slots, int(slots.max()) + 1, inclusive=True)
    return best_box_corloc(boxes, label_boxes(labels, NUM_CLASSES, inclusive=True)[:, 1:])


def as_usual(name: str, slots: Tensor, labels: Tensor) -> Tensor:
    confusion = confusion_matrix(slots, labels)
    if name == "mbo_no_background":
        return best_overlap(confusion, count_void=False)
    if name == "fg_ari":
        return foreground_rand_index(confusion)
    return hungarian_iou(confusion, background=name.endswith("with_background"), count_void=False)


@pytest.mark.parametrize("name", ["miou", "mbo", "corloc"])
def test_the_paper_s_metrics(authors: dict[str, NDArray[np.generic]], name: str) -> None:
    values = as_authors_do(name, torch.tensor(authors["pred"]), torch.tensor(authors["gt"]))
    # The authors' code skips an image without objects; alone, its empty mean is reported as 0.
    expected = authors[f"expected.per_image.authors.{name}"]
    np.testing.assert_allclose(values.nan_to_num(0.0).numpy(), expected, **CLOSE)
    np.testing.assert_allclose(values.nanmean().item(), authors[f"expected.authors.{name}"], **CLOSE)


@pytest.mark.parametrize(
    "name",
    ["mbo_no_background", "miou_hungarian_no_background", "miou_hungarian_with_background", "fg_ari"],
)
def test_the_standard_metrics(standard: dict[str, NDArray[np.generic]], name: str) -> None:
    values = as_usual(name, torch.tensor(standard["pred"]), torch.tensor(standard["gt"]))
    np.testing.assert_allclose(values.nanmean().item(), standard[f"expected.{name}"], **CLOSE)


def test_foreground_rand_index_of_each_image(standard: dict[str, NDArray[np.generic]]) -> None:
    values = as_usual("fg_ari", torch.tensor(standard["pred"]), torch.tensor(standard["gt"]))
    np.testing.assert_allclose(values.numpy(), standard["expected.per_image.fg_ari"], **CLOSE)
