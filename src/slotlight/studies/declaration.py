"""What a study is: a question, the arms that answer it, what is measured, and what the paper says. Imports no torch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slotlight.config import ModelConfig
from slotlight.errors import ConfigError

if TYPE_CHECKING:
    from slotlight.evaluation.measured import Measured

Change = Callable[[ModelConfig], ModelConfig]
"""From the base model to an arm's."""


DETECTOR = "detector"
"""The learner that others trained; the others are those of `slotlight.studies.labelled.heads`."""

_MARK = "supervised"


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
        learner: What learns from labels in place of slots: ``linear``, ``mask`` or `DETECTOR`. The name says that it
            is supervised, so that no table, plot, sentence or file can show it unmarked.
        domain: The photographs that train it, by the name that they were given; without it, all.
    """

    name: str
    change: Change = unchanged
    shift: Shift | None = None
    first: Change | None = None
    learner: str | None = None
    domain: str | None = None

    def __post_init__(self) -> None:
        if (self.learner is not None) != (_MARK in self.name):
            raise ConfigError(
                f"The arm {self.name!r} must be called {_MARK} if it learns from labels, and only then."
            )


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
        places: Photographs of the dataset that it is of; without it, all. NaN in the others.
    """

    protocol: str
    name: str
    meaning: str = ""
    value: "Callable[[Measured], float] | None" = None
    places: frozenset[int] | None = None

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
        takes_domains: Whether an arm can be added for each domain of photographs that train.
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
    takes_domains: bool = False

    def shortened(self) -> "Study":
        """The study as ``--quick`` asks it, which its name says."""
        kept = [arm for arm in self.arms if not self.quick or arm.name in self.quick]
        return replace(self.of(kept), name=f"{self.name} (quick)")

    def of(self, arms: Iterable[Arm]) -> "Study":
        """The study of some of its arms."""
        kept = tuple(arms)
        names = {arm.name for arm in kept}
        contrasts = tuple(pair for pair in self.contrasts if {pair.arm, pair.against} <= names)
        return replace(self, arms=kept, contrasts=contrasts)

    @property
    def uses_labels(self) -> bool:
        """Whether some arm learns from labels."""
        return any(arm.learner for arm in self.arms)

    @property
    def detectors(self) -> tuple[Arm, ...]:
        """Arms that need a detector's weights."""
        return tuple(arm for arm in self.arms if arm.learner == DETECTOR)
