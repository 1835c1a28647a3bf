"""Small files of very many pixels: reading several at once stays within a bound of memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peaks of memory are read from /proc"),
]

SIDE = 13_000
MOST_BYTES = 2_000_000_000

READ = """
import re, sys, threading
from pathlib import Path
from slotlight.images import read_photograph

def peak():  # getrusage's begins with that of the process that started this one
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

read_photograph(sys.argv[1])
before = peak()
threads = [threading.Thread(target=lambda: read_photograph(sys.argv[2])) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(peak() - before)
"""


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_four_at_once(tmp_path: Path, mode: str) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("RGB", (8, 8)).save(small)
    image = Image.new("RGBA", (SIDE, SIDE), (9, 99, 199, 99)) if mode == "RGBA" else None
    (image or Image.fromarray(np.full((SIDE, SIDE), 99, np.uint8 if mode == "L" else np.uint16))).save(large)
    done = subprocess.run(
        [sys.executable, "-c", READ, small, large], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    print(f"{mode}: {int(done.stdout) / 1e9:.2f} GB")
    assert int(done.stdout) <= MOST_BYTES
