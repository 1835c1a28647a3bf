"""What can go wrong, each as one sentence that says what was wrong and what to do."""

import difflib
import unicodedata
from collections.abc import Iterable


def printable(text: str) -> str:
    r"""A text in which whatever a terminal would obey is spelt out: names of files may hold line breaks and escapes.

    Example:
        >>> print(printable("a" + chr(10) + chr(27) + "[31mb.jpg"))
        a\n\x1b[31mb.jpg
    """
    return "".join(
        sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else ascii(sign)[1:-1]
        for sign in text
    )


class SlotlightError(Exception):
    """Any fault that a user can fix; its text is one clear line, shown without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))


class ImageError(SlotlightError):
    """A photograph that cannot be read or used."""


class VideoError(SlotlightError):
    """A video or camera that cannot be read."""


class WeightsError(SlotlightError):
    """Weights that are missing, out of reach or do not fit their network."""


class CheckpointError(SlotlightError):
    """A model folder that is missing, truncated, of another shape or not one at all."""


class CacheError(SlotlightError):
    """A feature cache that cannot be written or does not belong to what is asked."""


class DatasetError(SlotlightError):
    """A dataset whose files are missing, broken, or lack the labels that a protocol needs."""


class OutputError(SlotlightError):
    """Results that cannot be written."""


class ConfigError(SlotlightError):
    """A number that makes no sense where it stands."""


class TrainingError(SlotlightError):
    """A training run that cannot start or has diverged."""


class Terminated(BaseException):
    """SIGTERM has asked this process to stop, as Ctrl-C does with KeyboardInterrupt."""


class UnknownNameError(SlotlightError):
    """A name that is none of the valid ones.

    Example:
        >>> str(UnknownNameError("backbone", "dino-vits61", ["dino-vits16", "mae-vitb16"]))
        "There is no backbone 'dino-vits61'; did you mean 'dino-vits16'? Valid: dino-vits16, mae-vitb16."
    """

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        names = sorted(valid)
        near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
        guess = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
        super().__init__(f"There is no {kind} {name!r}{guess} Valid: {', '.join(names)}.")


def refuse(name: str, **given: bool) -> None:
    """An option that would be ignored is refused.

    Example:
        >>> refuse("tiles", weights=True)
        Traceback (most recent call last):
        slotlight.errors.ConfigError: The model 'tiles' does not use weights; leave it out.
    """
    for option, is_given in given.items():
        if is_given:
            raise ConfigError(f"The model {name!r} does not use {option}; leave it out.")
