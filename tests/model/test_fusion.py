import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from slotlight.model.fusion import LARGEST_BATCHED, assign, fuse


def draw_slots(heads: int = 4, batch: int = 3, slots: int = 5, dim: int = 8, seed: int = 0) -> Tensor:
    return torch.randn(heads, batch, slots, dim, generator=torch.Generator().manual_seed(seed))


def totals(similarity: Tensor, columns: Tensor) -> Tensor:
    return similarity.gather(-1, columns.unsqueeze(-1)).squeeze(-1).sum(dim=-1)


def scipy_totals(similarity: Tensor) -> Tensor:
    tables = similarity.double().numpy()
    return torch.tensor(
        [table[linear_sum_assignment(table, maximize=True)].sum() for table in tables], dtype=torch.float64
    )


@pytest.mark.parametrize("slots", range(1, 13))
def test_the_assignments_total_is_scipys(slots: int) -> None:
    count = 1500 if slots <= 8 else 300 if slots <= 9 else 60
    generator = torch.Generator().manual_seed(slots)
    size = (count, slots, slots)
    ties = torch.randint(
        -2, 3, size, generator=generator
    ).double()  # integers: equal totals are exactly equal
    for similarity, exact in [(torch.rand(size, generator=generator) * 2 - 1, False), (ties, True)]:
        columns = assign(similarity)
        assert torch.equal(columns.sort(dim=-1).values, torch.arange(slots).expand(count, -1))
        tolerance = {"atol": 0, "rtol": 0} if exact else {"atol": 1e-12, "rtol": 0}
        torch.testing.assert_close(
            totals(similarity.double(), columns), scipy_totals(similarity), **tolerance
        )


@pytest.mark.parametrize("slots", [2, 7, LARGEST_BATCHED])
def test_degenerate_similarities_still_give_a_permutation_of_greatest_total(slots: int) -> None:
    tables = torch.zeros(5, slots, slots, dtype=torch.float64)
    tables[1] += 1e300  # all equal, and large
    tables[2, :, 0] = 1.0  # every row wants the same column
    tables[3] = -torch.eye(slots) * 1e-30
    tables[4] = 1 + torch.eye(slots).double().flip(0) * 1e-9  # told apart only by what little differs
    columns = assign(tables)
    assert torch.equal(columns.sort(dim=-1).values, torch.arange(slots).expand(5, -1))
    torch.testing.assert_close(totals(tables, columns), scipy_totals(tables), rtol=1e-15, atol=0)
    assert torch.equal(columns[4], torch.arange(slots).flip(0))


def test_numbers_that_are_none_still_give_a_permutation() -> None:
    tables = torch.stack([torch.full((7, 7), value) for value in (torch.nan, torch.inf, -torch.inf)])
    assert torch.equal(assign(tables).sort(dim=-1).values, torch.arange(7).expand(3, -1))


@given(st.integers(1, 7), st.integers(0, 10_000), st.sampled_from([0.0, 1.0, -1e6]))
@settings(max_examples=50, deadline=None)
def test_a_constant_changes_no_total(slots: int, seed: int, constant: float) -> None:
    similarity = torch.randint(
        0, 4, (3, slots, slots), generator=torch.Generator().manual_seed(seed)
    ).double()
    moved = assign(similarity + constant)
    torch.testing.assert_close(totals(similarity, moved), scipy_totals(similarity))


def test_any_leading_axes_and_an_empty_batch() -> None:
    similarity = torch.rand(2, 3, 4, 5, 5)
    assert torch.equal(assign(similarity)[1, 2, 3], assign(similarity[1, 2, 3]))
    for slots in (1, 5, LARGEST_BATCHED):
        assert assign(torch.rand(0, slots, slots)).shape == (0, slots)


def test_heads_that_are_permutations_of_one_are_matched_back() -> None:
    truth = draw_slots(heads=1, slots=7)[0]
    orders = [torch.randperm(7, generator=torch.Generator().manual_seed(s)) for s in range(5)]
    slots = torch.stack([truth[:, order] for order in orders])
    for kind in ("hungarian", "greedy"):
        fused = fuse(slots, kind, reference=2)
        torch.testing.assert_close(fused.slots, truth[:, orders[2]])
        torch.testing.assert_close(fused.agreement, torch.ones(3, 7))
    values = torch.stack([torch.arange(7.0)[order].expand(3, -1) for order in orders]).unsqueeze(-1)
    assert torch.equal(fuse(slots, reference=2).gather(values)[0, :, 0], orders[2].float())


@pytest.mark.parametrize("heads", [2, 3, 6])
@pytest.mark.parametrize("kind", ["hungarian", "greedy"])
def test_the_reference_is_the_head_that_agrees_most(heads: int, kind: str) -> None:
    slots = draw_slots(heads=heads)
    tried = [fuse(slots, kind, reference=head) for head in range(heads)]
    sums = torch.stack([fused.agreement.sum(dim=1) for fused in tried])
    chosen = fuse(slots, kind)
    torch.testing.assert_close(chosen.agreement.sum(dim=1), sums.max(dim=0).values)
    best = (sums - 1e-5 * torch.arange(heads).unsqueeze(1)).argmax(dim=0)
    for image, head in enumerate(best.tolist()):
        torch.testing.assert_close(chosen.slots[image], tried[head].slots[image])
        assert torch.equal(chosen.assignment[:, image], tried[head].assignment[:, image])


def test_of_two_heads_the_first_is_the_reference() -> None:
    fused = fuse(draw_slots(heads=2, batch=50))
    assert torch.equal(fused.assignment[0], torch.arange(5).expand(50, -1))


def test_the_exact_assignment_agrees_at_least_as_much_as_the_greedy() -> None:
    slots = draw_slots(batch=200)
    exact, greedy = (fuse(slots, kind, reference=0).agreement.sum(dim=1) for kind in ("hungarian", "greedy"))
    assert (exact >= greedy - 1e-5).all()
    assert (exact > greedy + 1e-3).any()


def test_greedy_takes_the_best_remaining_pair() -> None:
    generator = np.random.default_rng(0)
    unit = generator.normal(size=(2, 6, 4))
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    table, expected = unit[0] @ unit[1].T, {}
    for place in np.argsort(-table, axis=None):
        row, column = divmod(int(place), 6)
        if row not in expected and column not in expected.values():
            expected[row] = column
    found = fuse(torch.from_numpy(unit).unsqueeze(1), "greedy", reference=0)
    assert found.assignment[1, 0].tolist() == [expected[row] for row in range(6)]


def test_mean_takes_slot_by_slot() -> None:
    slots = draw_slots()
    fused = fuse(slots, "mean")
    torch.testing.assert_close(fused.slots, slots.mean(dim=0))
    values = torch.rand(4, 3, 5, 9)
    torch.testing.assert_close(fused.gather(values), values.mean(dim=0))


@pytest.mark.parametrize("reference", [None, 2])
def test_single_is_one_head_alone_as_if_there_were_no_other(reference: int | None) -> None:
    slots, values = draw_slots(), torch.rand(4, 3, 5, 9)
    fused, head = fuse(slots, "single", reference=reference), reference or 0
    assert torch.equal(fused.slots, slots[head])
    assert torch.equal(fused.gather(values), values[head])
    assert torch.equal(fused.agreement, torch.ones(3, 5))


@pytest.mark.parametrize("count", [5, LARGEST_BATCHED + 1])
@pytest.mark.parametrize("kind", ["hungarian", "greedy", "mean", "single"])
def test_one_head_is_left_as_it_is(kind: str, count: int) -> None:
    slots = draw_slots(heads=1, slots=count)
    fused = fuse(slots, kind)
    torch.testing.assert_close(fused.slots, slots[0])
    assert torch.equal(fused.agreement, torch.ones(3, count))


def test_agreement_is_the_mean_similarity_to_the_other_heads() -> None:
    slots = draw_slots(heads=3, batch=1, slots=4)
    fused = fuse(slots, reference=1)
    for k in range(4):
        others = [
            torch.cosine_similarity(slots[1, 0, k], slots[h, 0, fused.assignment[h, 0, k]], dim=0)
            for h in (0, 2)
        ]
        torch.testing.assert_close(fused.agreement[0, k], sum(others) / 2)


@pytest.mark.parametrize("kind", ["hungarian", "greedy", "mean", "single"])
def test_an_image_does_not_depend_on_its_batch_nor_on_half_precision_around(kind: str) -> None:
    slots = draw_slots(batch=6)
    together, alone = fuse(slots, kind), fuse(slots[:, 4:5], kind)
    torch.testing.assert_close(together.slots[4:5], alone.slots)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(fuse(slots, kind).slots, together.slots)
        torch.testing.assert_close(fuse(slots, kind).agreement, together.agreement)
