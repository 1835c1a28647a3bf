"""What the training-free methods share: patches as a graph, cut, flooded and scored, a batch at once."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from slotlight.backbones import Features
from slotlight.segmenter import SlotMasks

WEAK_EDGE = 1e-5
"""Weight of the edge between patches that are not alike: keeps the graph in one piece."""

LANCZOS_STEPS = 64
LOOK_EVERY = 16  # steps, whether the vector is found: graphs of photographs take 16 or 32
FOUND = 1e-9  # length of what is left of the eigenvalue's equation


def normalised_cut(
    features: Float[Tensor, "batch patch dim"], threshold: float
) -> Float[Tensor, "batch patch"]:
    """Where each patch lies on the graph's second eigenvector, whose two sides are the best normalised cut.

    An edge weighs 1 where two patches' cosine similarity exceeds the threshold, else almost nothing. A
    feature of zeros is like no other and takes no part.

    Source:
        Shi and Malik, 2000, on the graph of TokenCut (Wang et al., 2022).
    """
    # Nearly equal eigenvalues need float64, which Apple's MPS lacks: there the graph is cut on the processor.
    device = torch.device("cpu") if features.device.type == "mps" else features.device
    unit = F.normalize(features.to(device, torch.float64), dim=-1)
    alike = unit @ unit.transpose(1, 2) > threshold
    return second_eigenvector(torch.where(alike, 1.0, WEAK_EDGE).double()).to(features)


def second_eigenvector(weights: Float[Tensor, "batch patch patch"]) -> Float[Tensor, "batch patch"]:
    """The generalised eigenvector of (D - W) y = λ D y with the second smallest λ, by Lanczos' method.

    The smallest is known (λ = 0, y constant), so what is sought is the largest of D^-½ W D^-½ beside it: at most
    64 products with the matrix in place of a full decomposition. Its sign means nothing.
    """
    root = weights.sum(-1).sqrt()
    matrix = weights / (root[:, :, None] * root[:, None])
    batch, patches = root.shape
    if patches == 1:
        return torch.zeros_like(root)
    steps = min(LANCZOS_STEPS, patches - 1)
    basis = matrix.new_zeros(batch, steps + 1, patches)  # the known vector, then Lanczos' vectors
    products = matrix.new_zeros(batch, steps, patches)
    basis[:, 0] = F.normalize(root, dim=1)
    start = torch.randn(patches, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    new = start.to(root).expand_as(root)
    for step in range(1, steps + 1):
        basis[:, step] = _orthogonal(new, basis[:, :step])
        products[:, step - 1] = new = (matrix @ basis[:, step, :, None])[..., 0]
        if step % LOOK_EVERY == 0 or step == steps:
            found, left = _largest(basis[:, 1 : step + 1], products[:, :step])
            if left < FOUND:
                break
    return F.normalize(found, dim=1) / root


def _largest(
    basis: Float[Tensor, "batch step patch"], products: Float[Tensor, "batch step patch"]
) -> tuple[Float[Tensor, "batch patch"], float]:
    """The eigenvector of the largest eigenvalue within a basis, and how far off the worst is of one."""
    small = basis @ products.transpose(1, 2)
    # Where the vectors have run out (a tiny or uniform graph) zeros were added: keep them from being largest.
    spent = basis.square().sum(2) < 0.5
    small = small - 2 * torch.diag_embed(spent.to(small))
    values, vectors = torch.linalg.eigh((small + small.transpose(1, 2)) / 2)
    # Equal eigenvalues (several lone patches) leave a choice that rounding would make: take the start's part
    # in them.
    parts = vectors[..., 0, :] * (values > values[..., -1:] - 1e-6)
    combined = F.normalize(vectors @ parts[..., None], dim=1)
    found, image = (basis * combined).sum(1), (products * combined).sum(1)
    return found, float((image - values[:, -1:] * found).norm(dim=1).max())


def strongest(values: Float[Tensor, "batch patch"]) -> Int[Tensor, " batch"]:
    """The patch of the largest value; the first of those that only rounding tells apart."""
    ceiling = values.amax(1, keepdim=True)
    return (values >= ceiling - 1e-6 * ceiling.abs()).byte().argmax(1)


def component(
    region: Bool[Tensor, "batch height width"], seed: Int[Tensor, " batch"]
) -> Bool[Tensor, "batch height width"]:
    """The part of each region that hangs together with its seed patch by patches' sides.

    Args:
        region: Patches to keep to.
        seed: A patch of each image, counted row by row; where it lies outside the region, the part is empty.
    """
    allowed = region[:, None].float()
    reached = F.one_hot(seed, region[0].numel()).view_as(allowed) * allowed
    while True:
        rows = F.max_pool2d(reached, (3, 1), 1, (1, 0))
        grown = torch.maximum(rows, F.max_pool2d(reached, (1, 3), 1, (0, 1))) * allowed
        if torch.equal(grown, reached):
            return reached[:, 0] > 0
        reached = grown


def separation(
    features: Float[Tensor, "batch patch dim"], region: Bool[Tensor, "batch patch"]
) -> Float[Tensor, " batch"]:
    """How well features tell a region from the rest, in [0, 1]: our score, as these methods have none.

    The share of the features' variance, along the line between the two sides' means, that lies between the
    sides. 0 for a region that is empty or the whole image, and where all features are alike.
    """
    inside = region.to(features)[..., None]
    count, rest = inside.sum(1), (1 - inside).sum(1)
    mean_in = (features * inside).sum(1) / count.clamp(min=1)
    mean_out = (features * (1 - inside)).sum(1) / rest.clamp(min=1)
    along = (features @ (mean_in - mean_out)[..., None])[..., 0]
    gap = (mean_in - mean_out).square().sum(-1)
    between = (count * rest)[:, 0] / features.shape[1] ** 2 * gap.square()
    total = along.var(1, correction=0)
    return torch.where((between > 0) & (total > 1e-12), between / total, 0.0).clamp(0, 1)


def object_and_rest(features: Features, region: Bool[Tensor, "batch height width"]) -> SlotMasks:
    """One object and its background as slots 0 and 1; an object that does not stand out at all scores 0."""
    score = separation(features.patches, region.flatten(1))
    return SlotMasks(
        masks=torch.stack((region, ~region), dim=1).to(features.patches),
        scores=torch.stack((score, torch.zeros_like(score)), dim=1),
    )


def _orthogonal(
    vectors: Float[Tensor, "batch patch"], basis: Float[Tensor, "batch known patch"]
) -> Float[Tensor, "batch patch"]:
    """What of the vectors lies outside the basis, at length 1; zeros where nothing does."""
    shares = basis @ vectors[..., None]
    rest = vectors - (shares.transpose(1, 2) @ basis)[:, 0]
    length = rest.norm(dim=1, keepdim=True)
    return torch.where(length > 1e-9, rest / length, 0.0)
