"""How far a long piece of work is: a bar on a terminal, elsewhere a plain line now and then."""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_EVERY_S = 30.0
"""Between two plain lines."""

ESTIMATE_AFTER_S = 10.0
"""When the time that the whole work takes is told, if that is minutes or more."""

_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))


class ProgressReport:
    """Reports the progress of some work on stderr, from entering the context to leaving it.

    Args:
        work: What is done, in a word.
        total: How many steps it has; None where nobody knows.
        done: How many of them were done before.
        shown: Whether to report at all.
        even: Whether all steps take about equally long, so that the time that is left can be told.

    Example:
        >>> with ProgressReport("features", total=2) as progress:
        ...     for done in (1, 2):
        ...         progress.update(done)
    """

    def __init__(
        self, work: str, total: int | None, done: int = 0, *, shown: bool = True, even: bool = True
    ) -> None:
        self.work, self.total, self.shown, self.even = work, total, shown, even
        self.first = self.done = done
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self.console, disable=not (shown and self.console.is_terminal))
        self._task = self._bar.add_task(work, total=total, completed=done)
        self._started = self._told = 0.0
        self._estimated = False

    def __enter__(self) -> "ProgressReport":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, done: int, note: str = "") -> None:
        """Say that so many steps are done; the note stands beside the name of the work."""
        self.done = done
        name = f"{self.work}, {note}" if note else self.work
        self._bar.update(self._task, completed=done, description=name)
        now = time.monotonic()
        if not self._started:  # the first step is slower than the others
            self.first, self._started, self._told = done, now, now
        pace = (now - self._started) / max(1, done - self.first)
        left = max(0.0, pace * ((self.total or 0) - done))  # an estimated total may be passed
        if self.total and self.even and not self._estimated and now - self._started >= ESTIMATE_AFTER_S:
            self._estimated = True
            if left >= 60:
                self.say(f"Expected time for {self.work}: {in_words(left)}, at {pace:.2g} s each.")
        if not self.console.is_terminal and now - self._told >= PLAIN_EVERY_S:
            self._told = now
            rest = f", {in_words(left)} left" if self.even else ""
            self.say(f"{name}: {done:,} of {self.total:,}{rest}" if self.total else f"{name}: {done:,}")

    def advance(self, note: str = "") -> None:
        """Say that one more step is done."""
        self.update(self.done + 1, note)

    def say(self, sentence: str) -> None:
        """Print a line above the bar."""
        if self.shown:
            self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)


def in_words(seconds: float) -> str:
    """A duration in its largest sensible unit.

    Example:
        >>> in_words(41.4), in_words(780.0), in_words(12_240.0), in_words(1.1e6)
        ('41 seconds', '13 minutes', '3.4 hours', '13 days')
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), _UNITS[-1])
    digits = 1 if unit == "hours" and seconds < 36_000 else 0
    return f"{seconds / size:.{digits}f} {unit}"


@contextmanager
def quiet(*loggers: str, module: str = "") -> Iterator[None]:
    """Keep libraries' advice to their developers off a user's terminal; errors still come through.

    Args:
        loggers: Names of their loggers.
        module: Regular expression of the modules whose warnings are dropped; by default, all.
    """
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=module)
        for logger in found:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(found, levels, strict=True):
                logger.setLevel(level)
