"""Several equal processes that share the photographs."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from slotlight.errors import SlotlightError


@runtime_checkable
class Processes(Protocol):
    """Equal processes that share the photographs; `lightning.Fabric` is one implementation."""

    @property
    def global_rank(self) -> int:
        """Which of them this is; 0 writes the results."""
        ...

    @property
    def world_size(self) -> int:
        """How many there are."""
        ...

    def barrier(self) -> None:
        """Wait for the others."""
        ...


@dataclass(frozen=True)
class OneProcess:
    """No other process takes part."""

    global_rank: int = 0
    world_size: int = 1

    def barrier(self) -> None:
        """Return at once."""


def wait_for_others(processes: Processes) -> None:
    """Wait until every process has come this far.

    Raises:
        SlotlightError: Another process has failed.
    """
    try:
        processes.barrier()
    except RuntimeError:  # how torch.distributed reports a peer that is gone
        raise SlotlightError("Another process of this run has failed; its own message says why.") from None
