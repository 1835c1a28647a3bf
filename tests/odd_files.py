"""Files of photographs with something odd in them."""

import struct
import zlib
from pathlib import Path

import numpy as np


def picture(height: int = 6, width: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def with_chunk(path: Path, kind: bytes, body: bytes) -> Path:
    """Put a chunk after a PNG's header."""
    content = path.read_bytes()
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(content[:33] + chunk + content[33:])
    return path
