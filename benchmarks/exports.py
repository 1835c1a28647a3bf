"""An exported graph beside torch: ``python -m benchmarks.exports model.onnx --photographs FOLDER``.

How far masks and scores differ, how many pixels change their slot, how fast each is from pixels to objects, one
photograph at a time, and how long a fresh Python takes from its start to the objects of a first photograph. Photographs
are taken evenly from all that the folders hold. Processor time is what other work on the machine disturbs least.
"""

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.timing import hardware
from slotlight.discovery.discoverer import Discoverer
from slotlight.graphs.running import OUTPUTS, open_graph
from slotlight.images import RGBImage, find_photographs, fit_size, read_photograph, resize, to_batch
from slotlight.loading import load

FIRST_OBJECT = "import sys, slotlight; slotlight.load(sys.argv[1]).discover(sys.argv[2])"


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock and of the processor."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{1000 * self.clock:,.0f} ms by the clock, {1000 * self.processor:,.0f} ms of the processor"


def differences(
    graph: Path, discoverer: Discoverer, images: list[RGBImage]
) -> tuple[list[float], list[float], list[float]]:
    """The largest difference of a mask and of a score and the share of pixels with another slot, by photograph."""
    session, _, _ = open_graph(graph)
    segmenter = discoverer.segmenter
    masks, scores, pixels = list[float](), list[float](), list[float]()
    for image in images:
        height, width, _ = image.shape
        size = fit_size(height, width, segmenter.image_size, segmenter.patch_size)
        expected = segmenter.segment(to_batch([resize(image, size)]))
        found = session.run(list(OUTPUTS), {"image": image})
        masks.append(float(np.abs(found[0] - expected.masks[0].numpy()).max()))
        scores.append(float(np.abs(found[1] - expected.scores[0].numpy()).max()))
        pixels.append(float((found[3] != discoverer.discover(image).segments).mean()))
    return masks, scores, pixels


def one_round(discoverer: Discoverer, images: list[RGBImage]) -> Taken:
    """For each photograph, one at a time."""
    clock, processor = time.perf_counter(), time.process_time()
    for image in images:
        discoverer.discover(image)
    return Taken((time.perf_counter() - clock) / len(images), (time.process_time() - processor) / len(images))


def first_object(python: str, model: str, photograph: Path) -> Taken:
    """Of a fresh Python, from its start to its end."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([python, "-c", FIRST_OBJECT, model, str(photograph)], check=True)
    clock, after = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Taken(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def least(rounds: list[Taken]) -> Taken:
    """The least of each."""
    return Taken(min(one.clock for one in rounds), min(one.processor for one in rounds))


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.exports", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("graph", type=Path)
    parser.add_argument("--photographs", nargs="+", required=True)
    parser.add_argument("--model", default="embedded", help="what was exported")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="of an environment without torch")
    given = parser.parse_args()
    every = find_photographs(given.photographs)
    chosen = every[:: max(1, len(every) // given.count)][: given.count]
    images = [read_photograph(path) for path in chosen]
    discoverers = {"torch": load(given.model, device="cpu"), "graph": load(given.graph)}
    console = Console()
    console.print(
        f"{len(images)} photographs of {len({image.shape for image in images})} sizes, {hardware()}",
        soft_wrap=True,
    )
    masks, scores, pixels = differences(given.graph, discoverers["torch"], images)
    console.print(f"masks differ by at most {max(masks):.1e}, scores by {max(scores):.1e}")
    console.print(f"pixels with another slot: {np.mean(pixels):.1e} on average, {max(pixels):.1e} at most")
    rounds = [
        {name: one_round(one, images) for name, one in discoverers.items()} for _ in range(given.rounds)
    ]
    for name in discoverers:
        console.print(f"{name}, a photograph: {least([taken[name] for taken in rounds])}")
    starts = {"torch": (sys.executable, given.model), "graph": (given.python, str(given.graph))}
    cold = [
        {name: first_object(*start, chosen[0]) for name, start in starts.items()}
        for _ in range(given.rounds + 1)
    ]
    for name in starts:
        console.print(f"{name}, a fresh Python's first objects: {least([taken[name] for taken in cold[1:]])}")


if __name__ == "__main__":
    main()
