"""How objects keep their number through a video."""

from dataclasses import dataclass

from slotlight.config.bounds import at_least, in_unit_interval


@dataclass(frozen=True, kw_only=True)
class TrackRule:
    """How objects are matched between frames.

    Attributes:
        birth: An object gets a number once it is found in this many frames; those of the first frames get one at once.
        memory: An object that is not found for more frames than this is forgotten; if it returns, it gets a new number.
        min_similarity: An object is the same as an earlier one only if they are at least this similar, in [0, 1].
        likeness: The weight of their features' cosine similarity; the rest is that of their place.
    """

    birth: int = 2
    memory: int = 15
    min_similarity: float = 0.3
    likeness: float = 0.5

    def __post_init__(self) -> None:
        at_least(self, 1, "birth")
        at_least(self, 0, "memory")
        in_unit_interval(self, "min_similarity", "likeness")
