"""Weights of eight bits beside fp32: ``python -m benchmarks.int8 model.onnx model-int8.onnx VOCdevkit``.

Protocol ``paper`` on VOC 2012's development fifth (every fifth photograph of val), with two graphs that were exported
from one model; ± is the standard error of the mean difference over photographs.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.timing import hardware
from slotlight.datasets.voc import VOCDataset
from slotlight.evaluation.protocols.paper import PAPER
from slotlight.loading import load


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.int8", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("whole", type=Path)
    parser.add_argument("small", type=Path)
    parser.add_argument("voc", type=Path)
    parser.add_argument("--count", type=int, default=290, help="of its photographs, taken evenly")
    given = parser.parse_args()
    files = (given.whole, given.small)
    discoverers = [load(file) for file in files]
    dataset = VOCDataset(given.voc, "dev")
    names = [metric.name for metric in PAPER.metrics]
    count = min(given.count, len(dataset))
    values = np.empty((len(files), count, len(names)))
    seconds = np.empty((len(files), count))
    for place in range(count):
        sample = dataset[place * len(dataset) // count]
        image = sample.read_image()
        height, width, _ = image.shape
        labels, seen = PAPER.read_labels(dataset, sample, (height, width)), PAPER.view.image(image)
        for number, discoverer in enumerate(discoverers):
            clock = time.process_time()
            found = discoverer.discover(seen)
            seconds[number, place] = time.process_time() - clock
            measured = PAPER.measure(found, labels).values
            values[number, place] = [100 * measured[name] for name in names]
    console = Console()
    console.print(f"{hardware()}; {count} photographs", soft_wrap=True)
    table = Table("file", "MB", *names, "ms of the processor, median")
    for file, rows, taken in zip(files, values, seconds, strict=True):
        means = [f"{value:.2f}" for value in rows.mean(axis=0)]
        table.add_row(file.name, f"{file.stat().st_size / 1e6:.1f}", *means, f"{1000 * np.median(taken):.0f}")
    gains = values[1] - values[0]
    errors = gains.std(axis=0, ddof=1) / np.sqrt(count)
    cells = [f"{gain:+.2f} ± {error:.2f}" for gain, error in zip(gains.mean(axis=0), errors, strict=True)]
    table.add_row("difference", "", *cells, "")
    console.print(table)


if __name__ == "__main__":
    main()
