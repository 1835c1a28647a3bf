"""What a protocol measures in one photograph."""

from dataclasses import dataclass

from slotlight.metrics import ScoredRegions


@dataclass(frozen=True)
class ObjectOverlaps:
    """The annotated objects of a photograph.

    Attributes:
        overlaps: Of each, its best IoU with anything that was found.
        sizes: Of each, its share of the photograph.
    """

    overlaps: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a protocol measures in one photograph.

    Attributes:
        values: By metric; NaN where the photograph leaves it undefined (such as one without objects).
        objects: How well each annotated object was found, for the report's curves.
        regions: What average precision pools.
        f_beta: The curve that max F-beta pools.
    """

    values: dict[str, float]
    objects: ObjectOverlaps = ObjectOverlaps()
    regions: ScoredRegions | None = None
    f_beta: tuple[float, ...] = ()
