import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slotlight.model.assignment import Share, assign_heads

CPU = torch.device("cpu")


class TestDeal:
    @given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 99))
    @settings(max_examples=100, deadline=None)
    def test_every_image_once_and_heads_evenly(self, batch: int, heads: int, seed: int) -> None:
        torch.manual_seed(seed)
        assigned = assign_heads(batch, heads, CPU)
        assert assigned.image.sort().values.tolist() == list(range(batch))
        assert torch.equal(assigned.table[assigned.head, assigned.place], assigned.image)
        loads = assigned.head.bincount(minlength=heads)
        assert loads.max() - loads.min() <= 1
        assert assigned.table.shape == (heads, -(-batch // heads))
        assert len(set(zip(assigned.head.tolist(), assigned.place.tolist(), strict=True))) == batch

    def test_no_head_is_favoured(self) -> None:
        torch.manual_seed(0)
        heads = torch.stack([assign_heads(2, 4, CPU).head for _ in range(600)])
        firsts = torch.stack([d.head[d.image == 0] for d in (assign_heads(2, 4, CPU) for _ in range(600))])
        for drawn in (heads.flatten(), firsts.flatten()):
            share = drawn.bincount(minlength=4) / len(drawn)
            assert (share - 0.25).abs().max() < 0.07


class TestShare:
    @given(st.integers(1, 12), st.integers(1, 9), st.integers(2, 4), st.integers(0, 99))
    @settings(max_examples=50, deadline=None)
    def test_processes_have_the_pairs_of_one(self, batch: int, heads: int, world: int, seed: int) -> None:
        torch.manual_seed(seed)
        whole = assign_heads(batch * world, heads, CPU)
        expected = {
            (int(image), int(head), int(place))
            for image, head, place in zip(whole.image, whole.head, whole.place, strict=True)
        }
        found = set()
        for rank in range(world):
            torch.manual_seed(seed)
            own = assign_heads(batch, heads, CPU, Share(rank, world))
            assert torch.equal(own.table[own.head, own.place], own.image)
            assert torch.equal(whole.image[own.pair], own.image * world + rank)
            assert 0 <= own.table.min() <= own.table.max() < batch
            pairs = zip(own.image, own.head, own.place, strict=True)
            found |= {(int(image) * world + rank, int(head), int(place)) for image, head, place in pairs}
        assert found == expected

    def test_of_any_dimension(self) -> None:
        drawn = torch.arange(24).view(2, 6, 2)
        assert torch.equal(Share(1, 3).of(drawn, dim=1), drawn[:, 1::3])
        assert Share(1, 3).places(2, CPU).tolist() == [1, 4]
