"""Work beside the model: a pool of one-core threads, a map a few items ahead, batches of one kind."""

import os
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = max(2, min(16, os.cpu_count() or 1))
"""Threads of a pool."""


def worker_pool() -> ThreadPoolExecutor:
    """A pool of `WORKERS` threads that compute on one core each; the model's own thread keeps all of them.

    Unusual: torch would give every thread a team of threads of its own. With more of them than cores OpenMP stops
    waiting actively for any, and the *model* loses up to a tenth of its speed, however little the workers do.

    Example:
        >>> import torch
        >>> with worker_pool() as pool:
        ...     pool.submit(torch.get_num_threads).result()
        1
    """
    return ThreadPoolExecutor(WORKERS, initializer=_keep_to_one_core)


def _keep_to_one_core() -> None:
    if torch := sys.modules.get("torch"):  # graphs run without it
        torch.get_num_threads()  # a thread's first question sets its number: later it would undo ours
    threadpool_limits(1, user_api="openmp")  # which is each thread's own


def map_ahead(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    ahead: int,
    weight: Callable[[Item], int] = lambda _: 0,
    room: int = 0,
) -> Iterator[Result]:
    """Map in a pool's threads, a little ahead of what was taken; results in the items' order.

    Args:
        pool: Whose threads work.
        function: From an item to its result.
        items: Taken as there is room for them.
        ahead: The most items that are under way or not yet taken.
        weight: What an item costs in memory, in any unit.
        room: The greatest total weight; an item that is heavier has its turn alone.

    Example:
        >>> with worker_pool() as pool:
        ...     list(map_ahead(pool, lambda number: 2 * number, range(4), ahead=2))
        [0, 2, 4, 6]
    """
    waiting: deque[tuple[Future[Result], int]] = deque()
    total = 0
    for item in items:
        cost = weight(item)
        while waiting and (len(waiting) >= ahead or total + cost > room):
            future, freed = waiting.popleft()
            total -= freed
            yield future.result()
        waiting.append((pool.submit(function, item), cost))
        total += cost
    while waiting:
        yield waiting.popleft()[0].result()


@dataclass(eq=False)
class _Place(Generic[Item, Result]):
    """A thing in the line, and what becomes of it once its batch has been run."""

    thing: Item
    kind: Hashable
    weight: int
    result: Future[Result] | None = None


class OrderedBatches(Generic[Item, Result]):
    """A line in which things wait for others of their kind.

    A batch is run when it is full, or as it is when the line is too long and its oldest thing stands first. Results
    that are there are given at once; nothing waits for one while there is room in the line.

    Args:
        run: Items of one kind → a future for each.
        batch_size: The most things that are run together.
        room: The greatest total weight in the line.

    Example:
        >>> def double(numbers: list[int]) -> list[Future[int]]:
        ...     futures = [Future() for _ in numbers]
        ...     for number, future in zip(numbers, futures):
        ...         future.set_result(2 * number)
        ...     return futures
        >>> batches = OrderedBatches(double, batch_size=2, room=10)
        >>> [list(batches.put(number, kind=number % 2)) for number in (0, 1, 2, 3)]
        [[], [], [0], [2, 4, 6]]
    """

    def __init__(
        self, run: Callable[[list[Item]], list[Future[Result]]], *, batch_size: int, room: int
    ) -> None:
        self.run, self.batch_size, self.room = run, batch_size, room
        self._line: deque[_Place[Item, Result]] = deque()
        self._waiting: dict[Hashable, list[_Place[Item, Result]]] = {}
        self._weight = 0

    def put(self, thing: Item, kind: Hashable, weight: int = 1) -> Iterator[Result]:
        """Add a thing; gives the results that are ready, or for which there is no more room to wait."""
        place = _Place[Item, Result](thing, kind, weight)
        self._line.append(place)
        self._weight += weight
        group = self._waiting.setdefault(kind, [])
        group.append(place)
        if len(group) == self.batch_size:
            self._run(kind)
        yield from self._take(self.room)

    def rest(self) -> Iterator[Result]:
        """All that is left in the line."""
        yield from self._take(room=0)

    def _take(self, room: int) -> Iterator[Result]:
        while self._line:
            first = self._line[0]
            if self._weight <= room and not (first.result and first.result.done()):
                return
            result = first.result or self._run(first.kind)[0]
            self._line.popleft()
            self._weight -= first.weight
            yield result.result()

    def _run(self, kind: Hashable) -> list[Future[Result]]:
        group = self._waiting.pop(kind)
        results = self.run([place.thing for place in group])
        for place, result in zip(group, results, strict=True):
            place.result = result
        return results
