"""LOST, TokenCut and MaskCut, and the graph under them, on features whose objects are known."""

from collections.abc import Callable

import pytest
import torch
from scipy import ndimage
from scipy.linalg import eigh
from torch import Tensor

from slotlight.backbones import Features
from slotlight.baselines.graph import component, normalised_cut, second_eigenvector, separation, strongest
from slotlight.baselines.lost import lost
from slotlight.baselines.maskcut import maskcut
from slotlight.baselines.tokencut import tokencut
from slotlight.segmenter import SlotMasks

GRID = (12, 15)
Method = Callable[[Features], SlotMasks]


def scene(*boxes: tuple[int, int, int, int], seed: int = 0, noise: float = 0.1) -> tuple[Features, Tensor]:
    """Features of one image whose objects (top, left, bottom, right) each point their own way, and their map."""
    generator = torch.Generator().manual_seed(seed)
    ways = torch.linalg.qr(torch.randn(16, 16, generator=generator)).Q
    labels = torch.zeros(GRID, dtype=torch.long)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    ways[1:] -= 0.2 * ways[0]  # objects are unlike the background, as keys are
    patches = ways[labels.flatten()] + noise * torch.randn(labels.numel(), 16, generator=generator)
    return Features(patches[None], GRID), labels


def graph(seed: int, patches: int = 60) -> Tensor:
    points = torch.randn(3, patches, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    unit = torch.nn.functional.normalize(points, dim=-1)
    return torch.where(unit @ unit.transpose(1, 2) > 0.3, 1.0, 1e-5).double()


@pytest.mark.parametrize("patches", [2, 3, 60, 200])
def test_the_second_eigenvector_has_scipy_s_eigenvalue(patches: int) -> None:
    weights = graph(0, patches)
    for matrix, found in zip(weights, second_eigenvector(weights), strict=True):
        degree = matrix.sum(1).diag()
        expected = eigh((degree - matrix).numpy(), degree.numpy(), eigvals_only=True)[1]
        torch.testing.assert_close((degree - matrix) @ found, expected * (degree @ found), rtol=0, atol=1e-7)
        assert (degree @ found).sum().item() == pytest.approx(0, abs=1e-7)
        assert (found @ degree @ found).item() == pytest.approx(1)


def test_equal_eigenvalues_leave_nothing_to_rounding() -> None:
    # Eight lone patches beside one group: seven equal eigenvalues.
    weights = torch.full((1, 20, 20), 1e-5, dtype=torch.float64)
    weights[:, :12, :12] = 1
    weights[:, range(20), range(20)] = 1
    shaken = weights + 1e-13 * torch.rand(20, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(second_eigenvector(shaken), second_eigenvector(weights), rtol=0, atol=1e-6)


def test_uniform_graphs_have_no_cut_and_no_nan() -> None:
    assert second_eigenvector(torch.ones(2, 9, 9, dtype=torch.float64)).isfinite().all()
    assert second_eigenvector(torch.ones(2, 1, 1, dtype=torch.float64)).tolist() == [[0], [0]]


def test_a_cut_parts_two_directions() -> None:
    features, labels = scene((3, 4, 9, 10))
    side = normalised_cut(features.patches, 0.2)[0]
    side = side > side.mean()
    inside = labels.flatten() > 0
    assert torch.equal(side, inside) or torch.equal(side, ~inside)


def test_the_first_of_equals_is_the_strongest() -> None:
    values = torch.tensor([[0.1, 0.7, 0.7 + 1e-9, 0.3], [-3.0, -2.0, -2.0 + 1e-9, -5.0]], dtype=torch.float64)
    assert strongest(values).tolist() == [1, 1]


def test_components_are_scipy_s() -> None:
    region = torch.rand(6, 14, 11, generator=torch.Generator().manual_seed(0)) < 0.6
    seeds = torch.arange(0, 6 * 24, 24)
    for mask, seed, found in zip(region, seeds, component(region, seeds), strict=True):
        parts, _ = ndimage.label(mask.numpy())
        number = parts.flat[int(seed)]
        assert torch.equal(found, torch.from_numpy((parts == number) & (number > 0)))


def test_separation_is_high_for_the_object_and_low_for_chance() -> None:
    features, labels = scene((3, 4, 9, 10))
    inside = (labels.flatten() > 0)[None]
    shuffled = inside[:, torch.randperm(inside.shape[1], generator=torch.Generator().manual_seed(0))]
    assert separation(features.patches, inside).item() > 0.9
    assert separation(features.patches, shuffled).item() < 0.3
    shifted = 5 * features.patches + 100
    torch.testing.assert_close(
        separation(shifted, inside), separation(features.patches, inside), rtol=1e-3, atol=0
    )


def test_separation_of_nothing_everything_and_sameness_is_zero() -> None:
    features, labels = scene((3, 4, 9, 10))
    nothing = torch.zeros_like(labels.flatten()[None], dtype=torch.bool)
    assert separation(features.patches, nothing).item() == 0
    assert separation(features.patches, ~nothing).item() == 0
    same = torch.ones_like(features.patches)
    assert separation(same, (labels.flatten() > 0)[None]).item() == 0


@pytest.mark.parametrize("method", [lost, tokencut, maskcut])
@pytest.mark.parametrize("box", [(3, 4, 9, 10), (1, 1, 5, 4), (2, 8, 11, 14)])
def test_one_object_is_found(method: Method, box: tuple[int, int, int, int]) -> None:
    features, labels = scene(box)
    found = method(features)
    best = found.scores[0].argmax()
    wrong = found.masks[0, best].bool() != (labels > 0)
    assert wrong.sum() <= 1
    assert found.scores[0, best] > 0.9
    assert found.scores[0, -1] == 0


@pytest.mark.parametrize("method", [lost, tokencut])
def test_of_two_alike_objects_only_one_piece_is_taken(method: Method) -> None:
    features, labels = scene((2, 2, 6, 6), (8, 9, 11, 13))
    alike = torch.where(labels.flatten() == 2, 1, labels.flatten())
    patches = features.patches.clone()
    patches[0, labels.flatten() == 2] = patches[0, labels.flatten() == 1][:12]
    mask = method(Features(patches, GRID)).masks[0, 0].bool()
    assert mask.any()
    assert alike[mask.flatten()].unique().tolist() == [1]
    assert labels[mask].unique().numel() == 1


def test_maskcut_finds_several_objects() -> None:
    features, labels = scene((1, 1, 6, 6), (7, 8, 11, 14), (1, 9, 5, 13))
    found = maskcut(features)
    masks = {
        tuple(mask.flatten().tolist())
        for mask, score in zip(found.masks[0], found.scores[0], strict=True)
        if score
    }
    assert masks == {tuple((labels == k).flatten().float().tolist()) for k in (1, 2, 3)}


def test_maskcut_takes_the_side_without_the_corners() -> None:
    features, labels = scene((0, 0, 12, 15), (2, 2, 10, 13))
    found = maskcut(features)
    assert torch.equal(found.masks[0, 0].bool(), labels == 2)


@pytest.mark.parametrize("method", [lost, tokencut, maskcut])
def test_masks_are_of_one_slot_each_and_do_not_depend_on_the_batch(method: Method) -> None:
    scenes = [scene((3, 4, 9, 10), seed=0), scene((1, 1, 4, 4), (6, 6, 11, 12), seed=1, noise=0.3)]
    together = method(Features(torch.cat([features.patches for features, _ in scenes]), GRID))
    assert (together.masks.sum(1) == 1).all()
    for i, (features, _) in enumerate(scenes):
        alone = method(features)
        assert torch.equal(alone.masks[0], together.masks[i])
        torch.testing.assert_close(alone.scores[0], together.scores[i])


@pytest.mark.parametrize("method", [lost, tokencut, maskcut])
@pytest.mark.parametrize("grid", [(1, 1), (1, 2), (3, 1), (4, 4)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_features_that_are_all_alike_hold_no_object(
    method: Method, grid: tuple[int, int], value: float
) -> None:
    found = method(Features(torch.full((2, grid[0] * grid[1], 8), value), grid))
    assert found.masks.isfinite().all()
    assert (found.scores == 0).all()
