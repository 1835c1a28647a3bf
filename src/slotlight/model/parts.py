"""The connected parts of a mask: two things of a kind that share a cluster or a slot."""

import numpy as np
from jaxtyping import Bool
from scipy import ndimage


def connected_parts(
    mask: Bool[np.ndarray, "rows columns"], min_part: float
) -> list[tuple[Bool[np.ndarray, "rows columns"], float]]:
    """The connected parts of a mask, but for specks, and the share of the mask that each is.

    Args:
        mask: Any; an empty one has no part.
        min_part: Parts smaller than this share of the largest are specks.

    Example:
        >>> [(part.tolist(), share) for part, share in connected_parts(np.array([[True, False, True]]), 0.2)]
        [([[True, False, False]], 0.5), ([[False, False, True]], 0.5)]
    """
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return []
    box = boxes[0]  # an object is seldom as large as its photograph
    parts, _ = ndimage.label(mask[box])
    sizes = np.bincount(parts.ravel())[1:]
    found = []
    for part in np.flatnonzero(sizes >= min_part * sizes.max()):
        inside = np.zeros_like(mask)
        inside[box] = parts == part + 1
        found.append((inside, float(sizes[part] / sizes.sum())))
    return found
