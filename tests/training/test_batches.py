from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from slotlight.config import TrainConfig
from slotlight.model.assignment import Share
from slotlight.training.batches import BatchOrder


@given(count=st.integers(1, 20), size=st.integers(1, 8), start=st.integers(0, 10), seed=st.integers(0, 9))
def test_every_photograph_once_an_epoch_and_the_same_when_resumed(
    count: int, size: int, start: int, seed: int
) -> None:
    config = TrainConfig(steps=10, batch_size=size, seed=seed)
    batches = list(BatchOrder(count, config))
    seen = Counter(index for batch in batches for index in batch)
    assert set(map(len, batches)) == {size}
    assert max(seen.values()) - min(seen[i] for i in range(count)) <= 1
    resumed = BatchOrder(count, config, start=start)
    assert list(resumed) == batches[start:]
    assert len(resumed) == len(batches[start:])


def test_processes_share_every_batch() -> None:
    config = TrainConfig(steps=3, batch_size=6)
    shares = zip(*(BatchOrder(9, config, share=Share(rank, 3)) for rank in range(3)), strict=True)
    for share, batch in zip(shares, BatchOrder(9, config), strict=True):
        assert sorted(index for part in share for index in part) == sorted(batch)
        assert [len(part) for part in share] == [2, 2, 2]


def test_the_seed_decides() -> None:
    orders = [list(BatchOrder(50, TrainConfig(steps=5, seed=seed))) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
