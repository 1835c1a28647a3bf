"""How long one waits for the first object: whole processes, from their start to their end."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.subjects import photographs
from benchmarks.timing import Pair, compare

IMPORTS = ("-c", "import torch, timm")


def run() -> Iterator[Pair]:
    """The command line, Python, and the help, each beside a Python that imports torch and timm."""
    photograph = str(photographs(1)[0])
    with TemporaryDirectory() as folder:
        command = ("-m", "slotlight", "discover", photograph, "--out", str(Path(folder) / "found"))
        objects = f"import slotlight; len(slotlight.load().discover({photograph!r}))"
        for what, arguments in (
            ("`slotlight discover one.jpg`, embedded model", command),
            ("first object in Python, embedded model", ("-c", objects)),
            ("`slotlight --help`", ("-m", "slotlight", "--help")),
        ):
            yield compare(
                f'{what}, beside `python -c "import torch, timm"`',
                partial(python, arguments),
                partial(python, IMPORTS),
                units=1,
                rounds=5,
            )


def python(arguments: tuple[str, ...]) -> None:
    """A fresh interpreter."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
