"""A hash of named tensors: equal for equal weights, on any device."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def tensors_digest(tensors: Mapping[str, Tensor], read_as: str = "") -> str:
    """A hash of names, shapes, kinds of numbers and values, and of how they are read.

    Example:
        >>> weights = {"a": torch.ones(2)}
        >>> tensors_digest(weights) == tensors_digest({"a": torch.ones(2)})
        True
        >>> tensors_digest(weights) == tensors_digest({"a": torch.ones(2, 1)})
        False
    """
    digest = hashlib.sha256(read_as.encode())
    for key, value in sorted(tensors.items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
