"""What `slotlight discover` takes for a number of photographs, as a process of its own: time, memory, bytes."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

DRAWN_SIZE = 64, 48


@dataclass(frozen=True)
class Cost:
    """What some photographs take.

    Attributes:
        photographs: How many they are.
        seconds: From the start of the process to its end.
        cpu_seconds: Of all its threads.
        peak_mb: Its peak memory, as the system says it.
        bytes_in: Of the photographs' files.
        bytes_out: By what is written.
    """

    photographs: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    bytes_in: int
    bytes_out: dict[str, int]


def cost_of(photographs: Path, *options: str) -> Cost:
    """`slotlight discover` of a folder of photographs, with options such as ``--no-masks``."""
    files = list(photographs.iterdir())
    with TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        command = ["-m", "slotlight", "discover", str(photographs), "--out", str(found), *options]
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            sys.exit(f"`slotlight discover` failed on {len(files)} photographs.")
        written = {name: _size(found / name) for name in ("masks", "overlays", "objects.json", "objects")}
        written["record"] = _size(found / ".progress.jsonl")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit
    return Cost(len(files), seconds, cpu, peak, sum(file.stat().st_size for file in files), written)


def link_photographs(sources: Sequence[Path], folder: Path, count: int) -> Path:
    """Fill a new folder with so many links to the sources, taken in turn."""
    folder.mkdir()
    for number, source in enumerate(islice(cycle(sources), count)):
        (folder / f"{number:06}{source.suffix}").symlink_to(source.resolve())
    return folder


def draw_photographs(folder: Path, count: int) -> Path:
    """Fill a new folder with small JPEG files: an ellipse before a gradient and noise, all from the file's number."""
    folder.mkdir()
    width, height = DRAWN_SIZE
    ramp = np.linspace(0, 60, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    for number in range(count):
        rng = np.random.default_rng(number)
        levels = ramp + rng.uniform(0, 100, 3) + rng.normal(0, 6, (height, width, 1))
        picture = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
        left, top = rng.integers(0, (width // 2, height // 2)).tolist()
        right, bottom = left + int(rng.integers(16, 32)), top + int(rng.integers(12, 24))
        colour = tuple(rng.integers(0, 256, 3).tolist())
        ImageDraw.Draw(picture).ellipse((left, top, right, bottom), fill=colour)
        picture.save(folder / f"{number:07}.jpg", quality=85)
    return folder


def _size(path: Path) -> int:
    """Bytes of a file or of all files below a folder; 0 where there is none."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
