"""Things of one kind share a batch; what comes of them comes in the order in which they came."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Place(Generic[Thing, Result]):
    """A thing in the line, and what becomes of it once its batch has been run."""

    thing: Thing
    kind: Hashable
    weight: int
    result: Future[Result] | None = None


class OrderedBatches(Generic[Thing, Result]):
    """A line in which things wait for others of their kind.

    A batch is run when it is full, or as it is when the line is too long and its oldest thing stands first. Results
    that are there are given at once; nothing waits for one while there is room in the line.

    Args:
        run: Things of one kind → a future for each.
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
        self, run: Callable[[list[Thing]], list[Future[Result]]], *, batch_size: int, room: int
    ) -> None:
        self.run, self.batch_size, self.room = run, batch_size, room
        self._line: deque[_Place[Thing, Result]] = deque()
        self._waiting: dict[Hashable, list[_Place[Thing, Result]]] = {}
        self._weight = 0

    def put(self, thing: Thing, kind: Hashable, weight: int = 1) -> Iterator[Result]:
        """Add a thing; gives the results that are ready, or for which there is no more room to wait."""
        place = _Place[Thing, Result](thing, kind, weight)
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
