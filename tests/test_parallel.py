"""Batches of things of one kind, in order, in bounded room; threads beside a model."""

from concurrent.futures import Future

import numpy as np
import pytest
import torch

from slotlight.parallel import WORKERS, OrderedBatches, map_ahead, worker_pool


class Recorder:
    """Runs batches at once, or leaves their futures open until `finish` is called."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once, self.batches, self.open = at_once, [], []

    def __call__(self, things: list[str]) -> list[Future[str]]:
        self.batches.append(things)
        futures = [Future() for _ in things]
        self.open += zip(futures, things, strict=True)
        if self.at_once:
            self.finish()
        return futures

    def finish(self) -> None:
        for future, thing in self.open:
            future.set_result(thing.upper())
        self.open = []


@pytest.mark.parametrize(("batch_size", "room"), [(1, 1), (3, 4), (8, 32), (4, 1)])
def test_everything_comes_once_and_in_order(batch_size, room):
    run = Recorder()
    batches = OrderedBatches(run, batch_size=batch_size, room=room)
    things = [f"{kind}{n}" for n, kind in enumerate(np.random.default_rng(0).choice(list("abcde"), 100))]
    found = [result for thing in things for result in batches.put(thing, thing[0])]
    assert len(things) - len(found) <= room
    found += batches.rest()
    assert found == [thing.upper() for thing in things]
    assert all(len(batch) <= batch_size and len({thing[0] for thing in batch}) == 1 for batch in run.batches)


def test_a_batch_is_full_where_there_is_room():
    run = Recorder()
    batches = OrderedBatches(run, batch_size=2, room=100)
    for thing in ("a1", "b1", "c1", "b2", "a2"):
        list(batches.put(thing, thing[0]))
    assert run.batches == [["b1", "b2"], ["a1", "a2"]]
    assert list(batches.rest()) == ["C1", "B2", "A2"]


def test_what_is_not_ready_is_not_waited_for_while_there_is_room():
    run = Recorder(at_once=False)
    batches = OrderedBatches(run, batch_size=1, room=2)
    assert [list(batches.put(thing, 0)) for thing in ("a", "b")] == [[], []]
    run.finish()
    assert list(batches.put("c", 0)) == ["A", "B"]


def test_heavy_things_leave_less_room():
    run = Recorder()
    batches = OrderedBatches(run, batch_size=8, room=4)
    assert list(batches.put("light", 0)) == []
    assert list(batches.put("heavy", 1, weight=10)) == ["LIGHT", "HEAVY"]
    assert run.batches == [["light"], ["heavy"]]


def test_what_is_under_way_is_bounded_by_weight() -> None:
    taken, most = 0, 0
    weights = [3, 1, 1, 2, 4, 1, 1, 2, 4, 1]

    def source():
        nonlocal most
        out = 0
        for weight in weights:
            out += weight
            most = max(most, out - taken)
            yield weight

    with worker_pool() as pool:
        for done in map_ahead(pool, lambda x: x, source(), ahead=8, weight=lambda x: x, room=4):
            taken += done
    assert taken == sum(weights)
    assert most <= 4 + 4  # the one that is asked for, and those under way


def test_workers_keep_to_one_core_and_the_caller_keeps_all() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with worker_pool() as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(4 * WORKERS))) == [1] * 4 * WORKERS
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
