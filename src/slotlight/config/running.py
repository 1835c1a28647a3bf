"""How a model is run over photographs, and what counts as an object."""

from dataclasses import dataclass

from slotlight.config.bounds import at_least, check_seed
from slotlight.config.choices import Precision
from slotlight.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How a model is run over photographs.

    Attributes:
        device: auto, cpu, cuda, mps, ...
        precision: Arithmetic of the model.
        batch_size: Photographs that go through the model at once.
        seed: Of the slots' initial noise.
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
        shard: Which part of the photographs to look at, such as 3/16; `slotlight merge` puts the parts together.
        workers: Processes that share the photographs, each with its share of the cores and a model of its own.
        retry_failed: Look again at photographs that failed before and have not changed.
    """

    shard: str | None = None
    workers: int = 1
    retry_failed: bool = False

    def __post_init__(self) -> None:
        at_least(self, 1, "workers")


@dataclass(frozen=True, kw_only=True)
class ObjectRule:
    """Which scored slots become objects.

    Attributes:
        min_score: Slots that score less are left out, in [0, 1]; a photograph may keep none.
        max_objects: The best-scored so many are kept.
        min_area: Smaller objects are left out; a share of the photograph.
        min_part: A slot's connected parts are objects of their own; those smaller than this share of its largest
            are dropped as specks.
    """

    min_score: float = 0.15
    max_objects: int = 20
    min_area: float = 0.002
    min_part: float = 0.2

    def __post_init__(self) -> None:
        at_least(self, 1, "max_objects")
        for name in ("min_score", "min_area", "min_part"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be in [0, 1].")
