"""Slot masks whose objects are known."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def hard(segments: list[list[int]] | np.ndarray, slots: int = 4) -> Tensor:
    """Slot masks (slot, height, width) of a map of winners."""
    return F.one_hot(torch.as_tensor(np.asarray(segments)), slots).movedim(-1, 0).float()


def two_squares() -> np.ndarray:
    segments = np.zeros((20, 30), dtype=int)
    segments[2:8, 3:10] = 1
    segments[10:18, 15:28] = 2
    return segments
