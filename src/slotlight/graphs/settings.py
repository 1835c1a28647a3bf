"""What an ONNX file says of itself: its settings, and a hash by which damage is noticed. Imports no torch."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from slotlight.config import Calibration
from slotlight.errors import ConfigError

FORMAT = 1
SETTINGS, SHA256 = "slotlight", "slotlight.sha256"
"""Names among the file's ``metadata_props``."""

UNKNOWN = "0" * 64
"""Stands for the hash while it is computed."""

_HASH = re.compile(rb"\x0a\x10slotlight\.sha256\x12\x40([0-9a-f]{64})")
"""The hash where it lies in the file: the name (16 bytes), then the value (64 bytes)."""


@dataclass(frozen=True)
class GraphSettings:
    """All that finding objects needs beside the graph.

    Attributes:
        model: The name of the model that was exported.
        fingerprint: Of that model.
        seed: Of what was drawn.
        version: Of Slotlight.
        calibration: What makes probabilities of the graph's scores.
    """

    model: str
    fingerprint: str
    seed: int
    version: str
    calibration: Calibration = field(default_factory=Calibration)

    def encoded(self) -> str:
        """As text.

        Example:
            >>> settings = GraphSettings("embedded", "5f77", 0, "0.1.0")
            >>> GraphSettings.decoded(settings.encoded()) == settings
            True
        """
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def decoded(cls, text: str) -> "GraphSettings":
        """From text.

        Raises:
            ValueError: It was written by another version.
        """
        values: Any = json.loads(text)
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError(f"not of format {FORMAT}")
        try:
            return cls(**values | {"calibration": Calibration(**values.get("calibration", {}))})
        except (TypeError, ConfigError) as fault:
            raise ValueError(str(fault)) from fault


def with_hash(content: bytes) -> bytes:
    """A file with the hash of everything else in the place of `UNKNOWN`."""
    (place,) = (found.span(1) for found in _HASH.finditer(content))
    return content[: place[0]] + _hash_of(content, place).encode() + content[place[1] :]


def named_hash(content: bytes) -> tuple[str, bool] | None:
    """The hash that a file names, and whether it is the file's; None where it names none."""
    found = next(_HASH.finditer(content), None)
    if found is None:
        return None
    named = found[1].decode()
    return named, _hash_of(content, found.span(1)) == named


def _hash_of(content: bytes, place: tuple[int, int]) -> str:
    digest = hashlib.sha256(memoryview(content)[: place[0]])
    digest.update(UNKNOWN.encode())
    digest.update(memoryview(content)[place[1] :])
    return digest.hexdigest()
