"""How an evaluation is run. Imports nothing slow, so that a command line can be built from it."""

from dataclasses import dataclass
from typing import Literal

from slotlight.config.bounds import at_least
from slotlight.errors import ConfigError

OnError = Literal["stop", "skip"]


@dataclass(frozen=True)
class EvaluationOptions:
    """How much is measured, and what happens to photographs that cannot be."""

    seeds: int = 1
    """Seeds 0, 1, ... of each model whose result depends on one."""

    limit: int | None = None
    """Measure only this many photographs, from the first."""

    batch_size: int = 8
    """Photographs that go through a model at once."""

    on_error: OnError = "stop"
    """Stop at a photograph or label that cannot be used, or skip it and list why."""

    def __post_init__(self) -> None:
        at_least(self, 1, "seeds", "batch_size", *(["limit"] if self.limit is not None else []))
        if self.on_error not in ("stop", "skip"):
            raise ConfigError(f"on_error is {self.on_error!r}; valid: stop, skip.")
