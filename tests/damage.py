"""Damaged copies of inputs, and what became of each: for the drills."""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from slotlight.errors import SlotlightError

SLOWEST_S = 30.0
"""A single input that takes longer counts as a hang; pytest's own timeout ends those that never return."""

_NUMBERS = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
    b"\1\0\0\0",
    b"-1",
    b"1e99",
    b"NaN",
)


def mutated(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """A damaged copy: some bytes changed, cut off, doubled, left out, or taken from another file."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            break
        place, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 16, 64))
        if rng.random() < 0.5:  # headers decide most
            place = rng.randrange(min(len(data), 256))
        kind = rng.randrange(7)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place : place + length] = rng.randbytes(length)
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            del data[place : place + length]
        elif kind == 4:
            data[place:place] = data[place : place + length]
        elif kind == 5:
            number = rng.choice(_NUMBERS)
            data[place : place + len(number)] = number
        else:
            start = rng.randrange(max(1, len(other)))
            data[place : place + length] = other[start : start + length]
    return bytes(data)


@dataclass
class Drill:
    """What became of the inputs of one drill.

    Attributes:
        name: Its row in the table.
        read: How many were read.
        refused: How many were refused in a sentence.
        failures: Anything else, by what was raised.
        slowest_s: Of a single input, in seconds.
    """

    name: str
    read: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    def attempt(self, use: Callable[[], object], label: str, *inputs: Path) -> None:
        """Use a damaged input; only a `SlotlightError` of one line that leaves the inputs as they were is right."""
        before = [_digest(path) for path in inputs]
        start = time.perf_counter()
        try:
            use()
            self.read += 1
        except SlotlightError as error:
            self.refused += 1
            if "\n" in str(error):
                self.failures[f"{label}: a sentence of several lines: {error}"[:300]] += 1
        except Exception as error:
            self.failures[f"{label}: {type(error).__name__}: {error}"[:300]] += 1
        took = time.perf_counter() - start
        self.slowest_s = max(self.slowest_s, took)
        if took > SLOWEST_S:
            self.failures[f"{label}: took {took:.0f} s"] += 1
        if before != [_digest(path) for path in inputs]:
            self.failures[f"{label}: an input was changed"] += 1

    def note(self, label: str, fault: str, seconds: float) -> None:
        """Count what became of a whole command; without a fault it did as it should."""
        self.slowest_s = max(self.slowest_s, seconds)
        if fault:
            self.failures[f"{label}: {fault}"] += 1
        else:
            self.read += 1

    def check(self, count: int) -> None:
        """Fail with what went wrong, unless every input was read or refused."""
        assert self.read + self.refused + sum(self.failures.values()) >= count
        assert not self.failures, "\n".join(f"{n} × {what}" for what, n in self.failures.most_common(20))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
