"""Pixels counted once, slot by label: all that overlaps and Rand indices need."""

from dataclasses import dataclass

import torch
from jaxtyping import Int, Integer
from torch import Tensor

from slotlight.datasets.label_files import VOID
from slotlight.errors import DatasetError


@dataclass(frozen=True)
class Confusion:
    """Pixel counts of a batch of images.

    Attributes:
        counts: Pixels of each slot on each label; label 0 is background. Void pixels are not among them.
        void: Pixels of each slot that are void.
    """

    counts: Int[Tensor, "batch slot label"]
    void: Int[Tensor, "batch slot"]


def confusion_matrix(
    slots: Integer[Tensor, "batch height width"],
    labels: Integer[Tensor, "_batch _height _width"],  # a size that differs is a user's error, see below
) -> Confusion:
    """Count every slot's pixels on every label, for a whole batch in one ``bincount``.

    Args:
        slots: The slot that each pixel belongs to.
        labels: The class or instance that each pixel truly belongs to; 0 is background, 255 (void) is none.

    Returns:
        Counts with as many slots and labels as the highest number met in this batch. Slots and labels that no
        pixel has are all zeros, and no metric minds them.

    Raises:
        DatasetError: The two maps differ in size, or hold negative numbers.

    Example:
        >>> slots = torch.tensor([[[0, 0, 1, 1]]])
        >>> labels = torch.tensor([[[0, 2, 2, 255]]])
        >>> confusion_matrix(slots, labels).counts.tolist()
        [[[1, 0, 1], [0, 0, 1]]]
    """
    _check(slots, labels)
    num_slots, num_columns = int(slots.max()) + 1, max(int(labels.max()), VOID) + 1
    # Four-byte cells: half the memory traffic of PyTorch's usual integers, which is what this costs.
    first = torch.arange(len(slots), dtype=torch.int32, device=slots.device)[:, None, None] * num_slots
    cells = (slots.int() + first).mul_(num_columns).add_(labels)
    counts = torch.bincount(cells.flatten(), minlength=len(slots) * num_slots * num_columns)
    counts = counts.view(len(slots), num_slots, num_columns)
    of_void = counts[..., VOID].clone()
    counts[..., VOID] = 0
    num_labels = int(counts.any(1).any(0).nonzero().amax(0)) + 1 if counts.any() else 1
    return Confusion(counts=counts[..., :num_labels], void=of_void)


def _check(slots: Tensor, labels: Tensor) -> None:
    if slots.shape != labels.shape:
        raise DatasetError(
            f"Slots of {_size(slots)} cannot be compared with labels of {_size(labels)}; resize one."
        )
    if slots.numel() == 0:
        raise DatasetError("There is no pixel to compare; pass at least one image.")
    lowest = min(int(slots.min()), int(labels.min()))
    if lowest < 0:
        raise DatasetError(f"A slot or label is {lowest}; they are counted from 0.")


def _size(maps: Tensor) -> str:
    return "×".join(str(side) for side in maps.shape)
