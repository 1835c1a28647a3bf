"""How a model is run over photographs, and what counts as an object."""

from dataclasses import dataclass

from slotlight.config.bounds import at_least, at_most, check_seed, in_unit_interval
from slotlight.config.calibration import Calibration
from slotlight.config.choices import Precision
from slotlight.errors import ConfigError

LEAST_PROBABILITY = 0.05
"""Of the development fifth's objects, the less likely are 53, of which two were right (docs/measure.md)."""

LEAST_SCORE = 0.15
"""The same where scores only rank."""


MOST_TILES = 10
"""Along a side: a hundred looks at one photograph."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How a model is run over photographs.

    Attributes:
        device: auto, cpu, cuda, mps, ...
        precision: Precision of the model's arithmetic.
        batch_size: Photographs per batch.
        seed: Seed of the slots' initial noise.
    """

    device: str = "auto"
    precision: Precision = "fp32"
    batch_size: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "batch_size")
        check_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class ScaleConfig:
    """Parts of a run, and several processes.

    Attributes:
        shard: Which part of the photographs to process, such as 3/16; `slotlight merge` puts the parts together.
        workers: Number of processes, each with its share of the photographs and cores and its own model.
        ray: Spread the photographs over a Ray cluster at this address (auto, HOST:PORT, ray://HOST:PORT), or over one
            that is started here (local).
        retry_failed: Try again photographs that failed before and have not changed.
    """

    shard: str | None = None
    workers: int = 1
    ray: str | None = None
    retry_failed: bool = False

    def __post_init__(self) -> None:
        at_least(self, 1, "workers")
        if self.ray is not None and self.workers > 1:
            raise ConfigError("--ray has workers of its own; leave --workers out.")


@dataclass(frozen=True, kw_only=True)
class ObjectRule:
    """Which scored slots become objects.

    Attributes:
        min_score: Objects with a lower score, in [0, 1], are left out; a photograph may have none. By default 0.05 for
            models whose scores are probabilities, and 0.15 for others.
        max_objects: At most this many objects are kept, those with the highest scores.
        min_area: Objects smaller than this share of the photograph are left out.
        min_part: Each connected part of a slot is an object; parts smaller than this share of the largest are
            dropped as specks.
        proposals: Keep all candidates of the model, ranked and possibly overlapping, instead of objects that share the
            photograph's pixels; only for models that have them (`slotlight models`).
        tiles: Also look at photographs larger than 1.5 times the model's own side in this many overlapping tiles along
            each side; objects of tiles may overlap those of the whole, and min_area and min_part then also apply to a
            tile. 1 looks only at the whole.
    """

    min_score: float | None = None
    max_objects: int = 20
    min_area: float = 0.002
    min_part: float = 0.2
    proposals: bool = False
    tiles: int = 1

    def __post_init__(self) -> None:
        at_least(self, 1, "max_objects", "tiles")
        at_most(self, MOST_TILES, "tiles")
        if self.proposals and self.tiles > 1:
            raise ConfigError("Tiles and proposals cannot be merged; leave --proposals or --tiles out.")
        at_most(self, 255, "max_objects")  # a label map has 8 bits
        in_unit_interval(self, "min_area", "min_part", *(["min_score"] if self.min_score is not None else []))

    def least_score(self, calibration: Calibration) -> float:
        """The score below which objects of a model are left out.

        Example:
            >>> ObjectRule().least_score(Calibration()), ObjectRule(min_score=0.3).least_score(Calibration())
            (0.15, 0.3)
        """
        if self.min_score is not None:
            return self.min_score
        return LEAST_PROBABILITY if calibration.is_fitted else LEAST_SCORE
