"""Ctrl-C and SIGTERM wait until a step is complete, so that what is saved is a whole step."""

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Holds back the first signal to stop until `deliver`; the second acts at once.

    Unusual: a handler that raises may do so between the optimiser's step and its being counted, and a run resumed from
    there would take that step twice. Only the main thread can hold signals; elsewhere they act as before.

    Example:
        >>> with Interruption() as interruption:
        ...     signal.raise_signal(signal.SIGINT)
        ...     held = interruption.pending
        ...     try:
        ...         interruption.deliver()
        ...     except KeyboardInterrupt:
        ...         print("stopped", held)
        stopped True

    Args:
        hold: Whether to hold signals at all.
    """

    def __init__(self, *, hold: bool = True) -> None:
        self._hold_any = hold
        self._held: int | None = None
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        if self._hold_any and threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._hold) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.deliver()  # it came after the last step
        self._restore()

    @property
    def pending(self) -> bool:
        """Whether a signal to stop has come."""
        return self._held is not None

    def deliver(self) -> None:
        """Let the signal that is held do what it would have done."""
        self._restore()
        held, self._held = self._held, None
        if held is not None:
            signal.raise_signal(held)

    def forget(self) -> None:
        """Drop the signal that is held: what it asked for has been done."""
        self._held = None

    def _hold(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._held = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._former = {}
