"""The graph of patches under LOST, TokenCut and MaskCut, on features whose objects are known."""

import pytest
import torch
from scipy import ndimage
from scipy.linalg import eigh
from torch import Tensor

from object_methods import scene
from slotlight.baselines.graph import component, normalised_cut, second_eigenvector, separation, strongest


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
