"""Masks of objects → how much of each patch they cover → the objects' mean features."""

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor


def masked_means(
    patches: Float[Tensor, "patch dim"], weights: Float[Tensor, "object rows columns"]
) -> Float[Tensor, "object dim"]:
    """The mean feature of each object, each patch weighted by how much of it belongs to the object.

    Example:
        >>> import torch
        >>> patches = torch.tensor([[0.0], [4.0]])
        >>> masked_means(patches, torch.tensor([[[1.0, 1.0]], [[0.0, 0.5]]])).flatten().tolist()
        [2.0, 4.0]
    """
    flat = weights.flatten(1)
    return flat @ patches / flat.sum(dim=1, keepdim=True)


def patch_weights(
    mask: Bool[np.ndarray, "height width"], grid: tuple[int, int]
) -> Float[np.ndarray, "rows columns"]:
    """How much of each patch a mask covers; a mask too small to be seen there has the patch around it.

    Example:
        >>> mask = np.zeros((4, 8), bool)
        >>> mask[:2, :3] = True
        >>> patch_weights(mask, (2, 4)).round(1).tolist()
        [[1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    levels = Image.fromarray(mask.view(np.uint8) * np.uint8(255)).resize(
        (grid[1], grid[0]), Image.Resampling.BOX
    )
    weights: Float[np.ndarray, "rows columns"] = np.asarray(levels, np.float32) / 255
    if not weights.any():
        rows, columns = np.nonzero(mask)
        weights = np.zeros(grid, np.float32)
        row, column = (
            int(places.mean() if len(places) else 0) * cells // side
            for places, cells, side in zip((rows, columns), grid, mask.shape, strict=True)
        )
        weights[row, column] = 1
    return weights
