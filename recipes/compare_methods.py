"""Self-supervised methods at equal cost: the same photographs, the same minutes of one processor core each.

    python recipes/compare_methods.py PHOTOS... --voc VOCdevkit --out runs/compare --minutes 3

First some steps of each pair of method and network are timed: processor time of one thread, the making of views
included. Then each is trained from nothing for as many steps as the minutes hold, and read by k-means; last, other
layers of the best are read. What is finished is kept: a killed comparison goes on with the pair it was at, and the
same timings (timings.json) and seed give the same result.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
import tyro
from jaxtyping import UInt8
from rich.console import Console
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from compare_reading import CLUSTERS, Figures, facets, measure_colour, measure_features, read_network
from compare_training import (
    ARCHITECTURES,
    CONVNET,
    PAIRS,
    Architecture,
    Cost,
    Pair,
    new_network,
    seconds_a_step,
    train,
)
from dev_figures import METRICS
from photo_views import decode_once
from slotlight.files import write_text
from slotlight.images import find_photographs

_DECODED_SIDE, _REDUCTION_SIDE, _EVERY_PHOTO = 144, 176, 19  # as the embedded backbone's recipe has them

Photos: TypeAlias = UInt8[Tensor, "photo side side 3"]


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        name: What was trained and read.
        figures: How good it is.
        cost: What it took.
    """

    name: str
    figures: Figures
    cost: Cost = field(default_factory=Cost)

    @property
    def quality(self) -> float:
        """Mean of mIoU and mBO over all numbers of clusters: what calls a row the best."""
        return sum(f["mIoU"] + f["mBO"] for f in self.figures.values()) / (2 * len(self.figures))


@dataclass(frozen=True)
class Comparison:
    """Where a comparison is, and what its rows must share.

    Attributes:
        out: The folder of all that is kept.
        voc: The devkit that measures.
        settings: What a finished row was made with; another comparison's row is not taken for ours.
    """

    out: Path
    voc: Path
    settings: dict[str, float | bool]

    def folder(self, name: str) -> Path:
        """Of one row."""
        folder = self.out / name.replace(" ", "-").replace(",", "")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def row(self, name: str, work: Callable[[Path], Row]) -> Row:
        """A row as it was kept; or made by `work` in its folder now, and kept.

        Raises:
            SystemExit: It was made with other settings.
        """
        file = self.folder(name) / "result.json"
        if not file.exists():
            Console(stderr=True).print(name, highlight=False)
            row = asdict(work(file.parent)) | {"settings": self.settings}
            write_text(file, [json.dumps(row, indent=2), "\n"])
        kept = json.loads(file.read_text())
        if kept["settings"] != self.settings:
            raise SystemExit(f"{file} was made with other settings; choose another --out.")
        return Row(name, {int(k): values for k, values in kept["figures"].items()}, Cost(**kept["cost"]))


def compare(
    photos: tyro.conf.Positional[list[Path]],
    voc: Path,
    out: Path,
    minutes: float = 3,
    seed: int = 0,
    bf16: bool = True,
) -> None:
    """Train and read every pair, then print and write table.md and results.csv.

    Args:
        photos: Folders or files to train on.
        voc: The VOC devkit whose development fifth measures.
        out: Where everything goes.
        minutes: Processor time of each training.
        seed: Decides weights, views and masks.
        bf16: Whether forward passes run in bfloat16; slow on a processor without AVX-512 BF16.
    """
    torch.set_num_threads(1)
    comparison = Comparison(out, voc, {"seconds": 60 * minutes, "seed": seed, "bf16": bf16})
    out.mkdir(parents=True, exist_ok=True)
    paths = find_photographs(photos)
    seen = decode_once(paths, out / f"photos{_DECODED_SIDE}.npy", _DECODED_SIDE)
    sample = decode_once(paths[::_EVERY_PHOTO], out / f"photos{_REDUCTION_SIDE}.npy", _REDUCTION_SIDE)
    timings = _timings(comparison, seen)
    born = [_untrained(comparison, architecture, sample) for architecture in ARCHITECTURES]
    trained = [_trained(comparison, pair, timings[pair.name], seen, sample) for pair in PAIRS]
    readings = [row for pair in _best(trained) for row in _readings(comparison, pair, sample)]
    _write([_floor(comparison), *born, *trained], readings, out)


def _timings(comparison: Comparison, photos: Photos) -> dict[str, float]:
    """Seconds a step of every pair, measured one right after the other so that all are of one state of the machine."""
    file = comparison.out / "timings.json"
    found: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    new = [pair for pair in PAIRS if pair.name not in found]
    bf16 = bool(comparison.settings["bf16"])
    found |= {pair.name: seconds_a_step(pair, photos, bf16=bf16) for pair in new}
    file.write_text(json.dumps(found, indent=2) + "\n")
    return found


def _floor(comparison: Comparison) -> Row:
    name = "colour and place"
    return comparison.row(name, lambda folder: Row(name, measure_colour(comparison.voc, folder)))


def _untrained(comparison: Comparison, architecture: Architecture, sample: Photos) -> Row:
    network = new_network(architecture, int(comparison.settings["seed"]))
    return _read(comparison, f"untrained, {architecture.name}", network, sample)


def _trained(comparison: Comparison, pair: Pair, step_seconds: float, photos: Photos, sample: Photos) -> Row:
    def work(folder: Path) -> Row:
        seconds, seed, bf16 = (comparison.settings[key] for key in ("seconds", "seed", "bf16"))
        network, cost = train(pair, photos, step_seconds, seconds=seconds, seed=int(seed), bf16=bool(bf16))
        save_model(network, str(folder / "network.safetensors"))
        return Row(pair.name, measure_features(read_network(network, sample), comparison.voc, folder), cost)

    return comparison.row(pair.name, work)


def _read(comparison: Comparison, name: str, network: nn.Module, sample: Photos) -> Row:
    def work(folder: Path) -> Row:
        return Row(name, measure_features(read_network(network, sample), comparison.voc, folder))

    return comparison.row(name, work)


def _best(rows: Sequence[Row]) -> list[Pair]:
    """The best ConvNet and the best ViT."""
    ranked = sorted(zip(PAIRS, rows, strict=True), key=lambda item: -item[1].quality)
    pairs = [pair for pair, _ in ranked]
    return [next(p for p in pairs if (p.architecture is CONVNET) == convnet) for convnet in (True, False)]


def _readings(comparison: Comparison, pair: Pair, sample: Photos) -> list[Row]:
    """Each facet and layer of a trained network by itself."""
    network = pair.architecture.build()
    load_model(network, str(comparison.folder(pair.name) / "network.safetensors"))
    return [_read(comparison, f"{pair.name}, {name}", maps, sample) for name, maps in facets(network).items()]


def _write(rows: Sequence[Row], readings: Sequence[Row], out: Path) -> None:
    text = "\n".join([*_table(rows), "", *_table(readings)]) + "\n"
    (out / "table.md").write_text(text)
    with (out / "results.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", *asdict(Cost()), *(f"{m} of {k}" for k in CLUSTERS for m in METRICS)])
        for row in (*rows, *readings):
            writer.writerow(
                [
                    row.name,
                    *asdict(row.cost).values(),
                    *(row.figures[k][m] for k in CLUSTERS for m in METRICS),
                ]
            )
    Console(width=200).print(text, highlight=False, markup=False)


def _table(rows: Sequence[Row]) -> list[str]:
    """A table in Markdown: mIoU / mBO / CorLoc in per cent."""
    head = ["", "views", "steps", "ms a step", "loss", *(f"k = {k}" for k in CLUSTERS)]
    lines = [[row.name, *_cost(row.cost), *(_figures(row.figures[k]) for k in CLUSTERS)] for row in rows]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)]


def _cost(cost: Cost) -> list[str]:
    if cost.first_loss is None:
        return ["–"] * 4
    loss = f"{cost.first_loss:.2f} → {cost.last_loss:.2f}"
    return [f"{cost.views:,}", f"{cost.steps:,}", f"{cost.step_ms:.0f}", loss]


def _figures(figures: dict[str, float]) -> str:
    return " / ".join(f"{figures[metric]:.1f}" for metric in METRICS)


if __name__ == "__main__":
    tyro.cli(compare)
