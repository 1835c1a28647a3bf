"""k-means of patches: known clusters, scikit-learn's inertia, seeds."""

import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from slotlight.backbones import Features
from slotlight.baselines.kmeans import kmeans, kmeans_colour, kmeans_features
from slotlight.metrics import adjusted_rand_index, confusion_matrix


def blobs(seed: int, spread: float = 0.05) -> tuple[Tensor, Tensor]:
    """Points of three images around five centres, and the number of the centre of each."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(3, 5, 8, generator=generator) * 3
    labels = torch.randint(0, 5, (3, 120), generator=generator)
    noise = torch.randn(3, 120, 8, generator=generator)
    return centres.take_along_dim(labels[..., None], dim=1) + spread * noise, labels


def inertia(points: Tensor, labels: Tensor) -> float:
    groups = [points[labels == k] for k in labels.unique()]
    return float(sum((g - g.mean(0)).square().sum() for g in groups))


def test_well_parted_clusters_are_found() -> None:
    points, labels = blobs(seed=0)
    found = kmeans(points, 5, seed=1)
    index = adjusted_rand_index(confusion_matrix(found[:, None], labels[:, None]))
    torch.testing.assert_close(index, torch.ones_like(index))


def test_clusters_are_about_as_tight_as_scikit_learn_s() -> None:
    points = torch.rand(4, 200, 5, generator=torch.Generator().manual_seed(0))
    for image, labels in zip(points, kmeans(points, 6), strict=True):
        reference = KMeans(6, n_init=1, random_state=0).fit(image.numpy()).inertia_
        assert inertia(image, labels) < 1.1 * reference


def test_clusters_depend_on_the_seed_but_not_on_the_batch() -> None:
    points = torch.rand(4, 200, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(kmeans(points, 6, seed=2)[2:3], kmeans(points[2:3], 6, seed=2))
    assert not torch.equal(kmeans(points, 6, seed=2), kmeans(points, 6, seed=3))


def test_fewer_points_than_clusters() -> None:
    assert kmeans(torch.tensor([[[0.0], [9.0]]]), 7).unique().numel() == 2
    assert kmeans(torch.zeros(1, 30, 4), 7).unique().numel() == 1


def test_colours_of_a_flag_are_told_apart() -> None:
    image = torch.zeros(1, 3, 60, 90)
    for stripe in range(3):
        image[:, stripe, :, 30 * stripe : 30 * (stripe + 1)] = 1
    masks = kmeans_colour(image).masks[0]
    assert masks.shape == (7, 6, 9)
    stripes = (torch.arange(9) // 3).expand(6, 9)
    for mask in masks.bool():
        assert stripes[mask].unique().numel() <= 1  # seven clusters: none spans two colours


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_features_are_clustered_by_direction(scale: float) -> None:
    points, labels = blobs(seed=0, spread=0.01)
    points[:, ::2] *= scale
    found = kmeans_features(Features(points, (10, 12)))
    # Seven clusters for five directions: some are split, none is shared.
    counts = confusion_matrix(found.masks.argmax(1).flatten(1)[:, None], labels[:, None]).counts
    assert ((counts > 0).sum(2) <= 1).all()
    assert found.scores.shape == (3, 7)
