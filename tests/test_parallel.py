"""Batches of things of one kind, in order, in bounded room."""

from concurrent.futures import Future

import numpy as np
import pytest

from slotlight.parallel import OrderedBatches


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
