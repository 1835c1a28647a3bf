"""What a study is: a question, the arms that answer it, what is measured, and what the paper says. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slotlight.config import ModelConfig

if TYPE_CHECKING:
    from slotlight.evaluation.measured import Measured

Change = Callable[[ModelConfig], ModelConfig]
"""From the base model to an arm's."""


def unchanged(model: ModelConfig) -> ModelConfig:
    """The base model itself."""
    return model


@dataclass(frozen=True)
class Shift:
    """What is done to the photographs that are measured, and to none that trains.

    Attributes:
        kind: A name of `slotlight.studies.corruptions.CORRUPTIONS`.
        severity: 1 to 5.
    """

    kind: str
    severity: int


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared.

    Attributes:
        name: As tables call it.
        change: What it changes in the base model; never the backbone. Arms that differ only in how a trained model is
            read share one training.
        shift: What it changes in the photographs that are measured.
        first: What the training before it changes in the base model, where its objective has a first stage.
    """

    name: str
    change: Change = unchanged
    shift: Shift | None = None
    first: Change | None = None


@dataclass(frozen=True)
class Contrast:
    """Two arms of which the answer speaks.

    Attributes:
        arm: One.
        against: The other.
        claim: What the paper says of the first: that it is better (1), worse (-1), or nothing (0).
    """

    arm: str
    against: str
    claim: int = 0


@dataclass(frozen=True)
class Measure:
    """A number that a photograph has, by the protocol that takes it.

    Attributes:
        protocol: Of `slotlight.evaluation.protocols.PROTOCOLS`.
        name: The protocol's metric, or what else the column is called.
        meaning: One sentence, where it is not a metric of the protocol.
        value: From what the protocol measured in the photograph; without it, the metric of that name. NaN where
            undefined.
    """

    protocol: str
    name: str
    meaning: str = ""
    value: "Callable[[Measured], float] | None" = None

    def of(self, measured: "Measured") -> float:
        """Its value in one photograph."""
        return measured.values[self.name] if self.value is None else self.value(measured)


STANDARD = (
    *(Measure("paper", name) for name in ("mBO", "mIoU", "CorLoc")),
    Measure("corloc", "CorLoc-1"),
    *(Measure("instances", name) for name in ("mBO_i", "FG-ARI")),
    Measure("saliency", "IoU"),
)
"""The first of them that the labels allow is the one that answers speak of."""


@dataclass(frozen=True)
class Study:
    """A question, and all that is needed to answer it.

    Attributes:
        name: As it is asked for.
        question: In one sentence.
        claim: What the paper says, in one sentence.
        arms: What is compared.
        contrasts: Pairs of arms that the answer speaks of.
        measures: What is measured, as far as the labels allow; the first is the one that the answer speaks of.
        speaks_of_all: The answer speaks of every measure.
        compares_spread: Whether the arms' spread over trainings is tested too.
        draws: Seeds of what a trained model draws, each measured.
        quick: Names of the arms that ``--quick`` keeps; without it, all.
        floors: Baselines by name that stand beside the arms; without it, those of every evaluation.
        beside: Baselines that stand there too.
        equal_time: Every arm is trained for as long as the base model would be, by the clock; an arm with a first
            stage gives half of it to that.
    """

    name: str
    question: str
    claim: str
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    measures: tuple[Measure, ...] = STANDARD
    speaks_of_all: bool = False
    compares_spread: bool = False
    draws: int = 1
    quick: tuple[str, ...] = field(default=())
    floors: tuple[str, ...] | None = None
    beside: tuple[str, ...] = ()
    equal_time: bool = False

    def shortened(self) -> "Study":
        """The study as ``--quick`` asks it, which its name says."""
        kept = tuple(arm for arm in self.arms if not self.quick or arm.name in self.quick)
        names = {arm.name for arm in kept}
        contrasts = tuple(pair for pair in self.contrasts if {pair.arm, pair.against} <= names)
        return replace(self, name=f"{self.name} (quick)", arms=kept, contrasts=contrasts)
