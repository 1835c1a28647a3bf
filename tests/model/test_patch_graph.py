"""Graphs of patches, and what walks over them make of features."""

import pytest
import torch

from slotlight.config import DecoderConfig, HeuristicsConfig, ModelConfig
from slotlight.model.patch_graph import diffused, node_side, patch_graph, pooled, with_diffusion
from slotlight.model.slot_model import build_slot_model


def features(batch: int = 2, patches: int = 64, dim: int = 8) -> torch.Tensor:
    return torch.randn(batch, patches, dim, generator=torch.Generator().manual_seed(0))


def test_nodes_are_means_of_their_patches() -> None:
    nodes, grid = pooled(torch.arange(16.0).view(1, 16, 1), (4, 4), 2)
    assert grid == (2, 2)
    assert nodes.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


@pytest.mark.parametrize(("grid", "side"), [((20, 20), 1), ((21, 4), 2), ((5, 41), 3)])
def test_no_side_of_a_graph_is_longer_than_its_finest(grid, side) -> None:
    assert node_side(grid) == side


def test_edges_are_strongest_between_equal_nodes() -> None:
    edges = patch_graph(features(), (8, 8), 1).edges(0.05)
    assert torch.equal(edges.argmax(dim=-1), torch.arange(64).expand(2, -1))
    assert torch.allclose(edges.diagonal(dim1=1, dim2=2), torch.ones(2, 64), atol=1e-4)


def test_a_walk_of_no_step_stays_where_it_begins() -> None:
    points = features()
    walked = diffused(points, (8, 8), 1, 0, 0.05)
    centred = torch.nn.functional.normalize(points - points.mean(dim=1, keepdim=True), dim=-1)
    expected = centred - centred.mean(dim=1, keepdim=True)
    assert torch.allclose(torch.cosine_similarity(walked, expected, dim=-1), torch.ones(2, 64), atol=1e-5)


def test_a_walk_is_as_wide_as_the_features_and_does_not_depend_on_the_batch() -> None:
    points = 7 * features()
    walked = diffused(points, (8, 8), 2, 15, 0.05)
    assert torch.allclose(walked.mean(dim=1), torch.zeros(2, 8), atol=1e-4)
    width = points.std(dim=(1, 2), correction=0)
    assert torch.allclose(walked.std(dim=(1, 2), correction=0), width, rtol=1e-4)
    assert torch.allclose(walked[1:], diffused(points[1:], (8, 8), 2, 15, 0.05), atol=1e-5)


def test_a_plain_photograph_has_nothing_to_walk_to() -> None:
    assert torch.equal(diffused(torch.ones(1, 64, 8), (8, 8), 2, 15, 0.05), torch.zeros(1, 64, 8))


def test_slots_read_twice_as_many_dimensions_and_heuristics_do_not() -> None:
    config = ModelConfig(
        diffusion_steps=3,
        decoder=DecoderConfig(hidden=16),
        heuristics=HeuristicsConfig(foreground_weight=1.0),
    )
    model = build_slot_model(config, dim=8, grid=(8, 8))
    found = model.segment_features(features(), (8, 8))
    assert (found.slots.shape[-1], found.features.shape[-1]) == (18, 9)
    assert model.loss(features()).isfinite()
    assert torch.equal(with_diffusion(found.features, (8, 8), 1, ModelConfig()), found.features)
