"""Classes for the objects of a run, in place of the one that everything found without labels has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from slotlight.formats.found import Found, FoundPhotograph


@dataclass(frozen=True)
class Classes:
    """Which class each object has.

    Attributes:
        names: Of the classes, from 1.
        of: For each photograph with objects, by its file or own id: the class of each object; 0 leaves it out.
        causes: Why the objects of other photographs have no class; these photographs count as failed.
        origin: Changes when another grouping gave the classes, whatever their names.
    """

    names: tuple[str, ...]
    of: Mapping[str, Sequence[int]]
    causes: Mapping[str, str]
    origin: str

    def applied(self, found: Found) -> Found:
        """The same objects with these classes."""

        def photographs() -> Iterator[FoundPhotograph]:
            return map(self._applied_to, found.read())

        return replace(found, read=photographs, classes=self.names)

    def _applied_to(self, photograph: FoundPhotograph) -> FoundPhotograph:
        key = photograph.key or photograph.file
        if cause := self.causes.get(key):
            return replace(photograph, annotations=[], cause=cause)
        annotations = [
            annotation | {"category_id": number}
            for annotation, number in zip(photograph.annotations, self.of.get(key, ()), strict=True)
            if number
        ]
        return replace(photograph, annotations=annotations)
