"""From a raw score to the probability that the object is right."""

from dataclasses import dataclass

from slotlight.config.bounds import above
from slotlight.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A model's scores as probabilities: the logit of a score, times a slope, plus an intercept, is the new logit.

    It keeps the order of scores, 0 and 1. By default it changes nothing.

    Attributes:
        slope: Above 0.
        intercept: Added after it.
        labels: Whose labels the two were fitted to, such as ``VOC2012 dev, detection``; empty where none were.
    """

    slope: float = 1.0
    intercept: float = 0.0
    labels: str = ""

    def __post_init__(self) -> None:
        above(self, 0, "slope")
        if not abs(self.intercept) < float("inf"):
            raise ConfigError(f"intercept is {self.intercept}; it must be a number.")

    @property
    def is_fitted(self) -> bool:
        """Whether scores are probabilities, as far as those labels tell."""
        return bool(self.labels)
