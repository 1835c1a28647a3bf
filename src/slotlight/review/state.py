"""The state of a review: what a person did to each photograph's objects, key by key. Knows no file and no page.

An object of the review is a `Piece`: one or several of the objects that were found, kept or dropped. The pieces of a
photograph always share its found objects out among them, so nothing that was found is ever lost: what is dropped can be
kept again, and what is merged comes apart with undo.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Id: TypeAlias = int | str
"""Of a photograph or an object, as COCO has them."""


@dataclass(frozen=True)
class Piece:
    """One object as a person left it.

    Attributes:
        members: The ids of the found objects that it is made of, in the order in which they were found.
        is_kept: Whether it counts.
    """

    members: tuple[Id, ...]
    is_kept: bool = True


Pieces: TypeAlias = tuple[Piece, ...]
"""A photograph's objects, in the order of their first members."""


def untouched(objects: Iterable[Id]) -> Pieces:
    """What was found, all of it kept.

    Example:
        >>> [piece.members for piece in untouched([7, 8])]
        [(7,), (8,)]
    """
    return tuple(Piece((one,)) for one in objects)


def with_kept(pieces: Pieces, number: int, is_kept: bool) -> Pieces:
    """The same pieces, one of them kept or dropped."""
    changed = replace(pieces[number], is_kept=is_kept)
    return (*pieces[:number], changed, *pieces[number + 1 :])


def merged(pieces: Pieces, first: int, second: int) -> Pieces:
    """Two pieces become one, which is kept, in the place of the earlier one.

    Example:
        >>> [piece.members for piece in merged(untouched([7, 8, 9]), 2, 0)]
        [(7, 9), (8,)]
    """
    low, high = sorted((first, second))
    order = {one: place for place, one in enumerate(one for piece in pieces for one in piece.members)}
    members = sorted((*pieces[low].members, *pieces[high].members), key=order.__getitem__)
    others = (*pieces[low + 1 : high], *pieces[high + 1 :])
    return (*pieces[:low], Piece(tuple(members)), *others)


def share_out(pieces: Pieces, objects: Sequence[Id]) -> bool:
    """Whether pieces share out exactly these objects: each is in one piece."""
    members = [one for piece in pieces for one in piece.members]
    return len(members) == len(objects) and set(members) == set(objects)


KEYS = {
    "ArrowDown": "the next object",
    "ArrowUp": "the object before",
    "ArrowRight": "the next photograph",
    "ArrowLeft": "the photograph before",
    "d": "drop the object",
    "k": "keep it after all",
    "m": "merge: press it on one object, then on another",
    "Escape": "merge nothing",
    "u": "undo",
}
"""What each key does; the names are those that browsers give."""


@dataclass
class Review:
    """A review under way.

    Attributes:
        objects: The ids of each photograph's found objects, by the photograph's id.
        at: Which photograph is looked at, from 0.
        selected: Which of its pieces is selected, from 0.
        marked: The piece that waits for another to be merged with, if any does.
        seen: The ids of the photographs that were looked at.
        changes: How often anything was changed, by undo too.

    Example:
        >>> review = Review({1: [10, 11, 12]})
        >>> for key in ("m", "ArrowDown", "m", "ArrowDown", "d"):
        ...     _ = review.press(key)
        >>> [(piece.members, piece.is_kept) for piece in review.pieces()]
        [((10, 11), True), ((12,), False)]
    """

    objects: Mapping[Id, Sequence[Id]]
    at: int = 0
    selected: int = 0
    marked: int | None = None
    seen: set[Id] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.photographs = list(self.objects)
        self._changed: dict[Id, Pieces] = {}
        self._undo: list[tuple[int, Pieces]] = []
        self.changes = 0
        self.seen.add(self.photograph)

    @property
    def photograph(self) -> Id:
        """The id of the photograph that is looked at."""
        return self.photographs[self.at]

    @property
    def changed(self) -> Mapping[Id, Pieces]:
        """The pieces of every photograph that a person changed, by its id."""
        return self._changed

    def pieces(self, photograph: Id | None = None) -> Pieces:
        """The objects of a photograph as the person left them; without an id, of the one that is looked at."""
        one = self.photograph if photograph is None else photograph
        return self._changed.get(one) or untouched(self.objects[one])

    def restore(self, photograph: Id, pieces: Pieces) -> bool:
        """Take up what an earlier sitting left of a photograph; False where it does not fit what was found."""
        if photograph not in self.objects or not share_out(pieces, self.objects[photograph]):
            return False
        self._set(photograph, pieces)
        self.seen.add(photograph)
        return True

    def press(self, key: str) -> str:
        """Do what a key of `KEYS` says; others do nothing.

        Returns:
            A sentence for the person where the key alone does not explain what happened; mostly empty.
        """
        pieces = self.pieces()
        if key in ("ArrowDown", "ArrowUp"):
            self.select(self.selected + (1 if key == "ArrowDown" else -1))
        elif key in ("ArrowRight", "ArrowLeft"):
            return self._turn(1 if key == "ArrowRight" else -1)
        elif key == "Escape":
            self.marked = None
        elif key == "u":
            return self._step_back()
        elif not pieces:
            return "Nothing was found in this photograph." if key in KEYS else ""
        elif key in ("d", "k"):
            self._do(with_kept(pieces, self.selected, key == "k"))
        elif key == "m":
            return self._merge(pieces)
        return ""

    def select(self, number: int) -> None:
        """Select a piece of the photograph; beyond the last one, the last."""
        self.selected = max(0, min(number, len(self.pieces()) - 1))

    def go_to(self, at: int) -> None:
        """Look at a photograph by its place, from 0."""
        self.at = max(0, min(at, len(self.photographs) - 1))
        self.selected, self.marked = 0, None
        self.seen.add(self.photograph)

    def _turn(self, step: int) -> str:
        before = self.at
        self.go_to(self.at + step)
        if self.at == before:
            return f"This is the {'last' if step > 0 else 'first'} photograph."
        return ""

    def _merge(self, pieces: Pieces) -> str:
        if self.marked is None:
            self.marked = self.selected
            return "Select another object and press m again, or Escape to cancel."
        first, self.marked = self.marked, None
        if first == self.selected:
            return "An object cannot be merged with itself; select another one."
        self._do(merged(pieces, first, self.selected))
        self.select(min(first, self.selected))
        return ""

    def _do(self, pieces: Pieces) -> None:
        if pieces != self.pieces():
            self._undo.append((self.at, self.pieces()))
            self._set(self.photograph, pieces)
            self.marked = None

    def _step_back(self) -> str:
        if not self._undo:
            return "There is nothing to undo."
        at, pieces = self._undo.pop()
        selected = self.selected if at == self.at else 0
        self.go_to(at)
        self._set(self.photograph, pieces)
        self.select(selected)
        return ""

    def _set(self, photograph: Id, pieces: Pieces) -> None:
        self.changes += 1
        if pieces == untouched(self.objects[photograph]):
            self._changed.pop(photograph, None)
        else:
            self._changed[photograph] = pieces
