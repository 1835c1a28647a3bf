"""What `slotlight discover` takes for a number of photographs, as a process of its own: time, memory, bytes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image, ImageDraw

DRAWN_SIZE = 64, 48

LOOK_EVERY_S = 0.1
"""Between two looks at the record of a run."""


@dataclass(frozen=True)
class Cost:
    """What some photographs take.

    Attributes:
        photographs: How many they are.
        seconds: From the start of the process to its end.
        cpu_seconds: Of all its threads and processes.
        peak_mb: Its peak memory, as the system says it.
        bytes_in: Of the photographs' files.
        bytes_out: By what is written.
        progress: Seconds, CPU seconds and the number of photographs in the run's record, whenever that had grown.
    """

    photographs: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    bytes_in: int
    bytes_out: dict[str, int]
    progress: list[tuple[float, float, int]] = field(default_factory=list)


def cost_of(photographs: Path, *options: str) -> Cost:
    """`slotlight discover` of a folder of photographs, with options such as ``--no-masks``."""
    files = list(photographs.iterdir())
    with TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        command = ["-m", "slotlight", "discover", str(photographs), "--out", str(found), *options]
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
        progress = list(_watch(child.pid, found / ".progress.jsonl", start))
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            sys.exit(f"`slotlight discover` failed on {len(files)} photographs.")
        written = {name: _size(found / name) for name in ("masks", "overlays", "objects.json", "objects")}
        written["record"] = _size(found / ".progress.jsonl")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit
    size = sum(file.stat().st_size for file in files)
    return Cost(len(files), seconds, cpu, peak, size, written, progress)


def _watch(pid: int, record: Path, start: float) -> Iterator[tuple[float, float, int]]:
    """How far a run is, from its record, until its process has ended."""
    process, lines, read = psutil.Process(pid), 0, 0
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(LOOK_EVERY_S)
            if not record.is_file():
                continue
            with record.open("rb") as file:
                file.seek(read)
                new = file.read()
            if new:
                read, lines = read + len(new), lines + new.count(b"\n")
                yield time.perf_counter() - start, _processor_seconds(process), lines


def _processor_seconds(process: psutil.Process) -> float:
    """Of a process and those that it has started."""
    times = [process.cpu_times(), *(child.cpu_times() for child in process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


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
