"""An exported graph beside torch: ``python -m benchmarks.exports model.onnx --photographs FOLDER --model embedded``.

How far masks and scores differ, how many pixels change their slot, and how fast each is, photograph by photograph, from
pixels to objects. Photographs are taken evenly from all that the folders hold.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.timing import hardware
from slotlight.discovery.discoverer import Discoverer
from slotlight.graphs.running import OUTPUTS, open_graph
from slotlight.images import find_photographs, fit_size, read_photograph, resize, to_batch
from slotlight.loading import load


def differences(
    graph: Path, discoverer: Discoverer, photographs: list[Path]
) -> tuple[list[float], list[float], list[float]]:
    """The largest difference of a mask and of a score and share of pixels with another slot, by photograph."""
    session, _, _ = open_graph(graph)
    segmenter = discoverer.segmenter
    masks, scores, pixels = list[float](), list[float](), list[float]()
    for photograph in photographs:
        image = read_photograph(photograph)
        height, width, _ = image.shape
        size = fit_size(height, width, segmenter.image_size, segmenter.patch_size)
        expected = segmenter.segment(to_batch([resize(image, size)]))
        found = session.run(list(OUTPUTS), {"image": image})
        masks.append(float(np.abs(found[0] - expected.masks[0].numpy()).max()))
        scores.append(float(np.abs(found[1] - expected.scores[0].numpy()).max()))
        pixels.append(float((found[3] != discoverer.discover(image).segments).mean()))
    return masks, scores, pixels


def seconds_each(discoverer: Discoverer, photographs: list[Path], rounds: int) -> float:
    """The least of some rounds, for each photograph, one at a time, decoding apart."""
    images = [read_photograph(photograph) for photograph in photographs]
    discoverer.discover(images[0])
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for image in images:
            discoverer.discover(image)
        times.append((time.perf_counter() - start) / len(images))
    return min(times)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("--photographs", nargs="+", required=True)
    parser.add_argument("--model", default="embedded", help="what was exported")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    every = find_photographs(given.photographs)
    chosen = every[:: max(1, len(every) // given.count)][: given.count]
    discoverer = load(given.model, device="cpu")
    masks, scores, pixels = differences(given.graph, discoverer, chosen)
    sizes = len({read_photograph(path).shape for path in chosen})
    console = Console()
    console.print(f"{len(chosen)} photographs of {sizes} sizes, {hardware()}")
    console.print(f"masks differ by at most {max(masks):.1e}, scores by {max(scores):.1e}")
    console.print(f"pixels with another slot: {np.mean(pixels):.1e} on average, {max(pixels):.1e} at most")
    for name, one in (("torch", discoverer), ("graph", load(given.graph))):
        console.print(f"{name}: {1 / seconds_each(one, chosen, given.rounds):.1f} photographs a second")


if __name__ == "__main__":
    main()
