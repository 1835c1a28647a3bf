"""`evaluate` beside finding the same objects unmeasured; protocols' metrics beside the model's own time."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from benchmarks.subjects import SIDE, segmenter
from benchmarks.timing import Pair, compare
from slotlight.datasets import FolderDataset, LabelKind, SyntheticDataset
from slotlight.datasets.synthetic import draw_scene
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.protocols import PROTOCOLS
from slotlight.evaluation.run import evaluate
from slotlight.loading import load

PHOTOGRAPHS, BATCH = 32, 8


def run() -> Iterator[Pair]:
    scenes = SyntheticDataset(count=PHOTOGRAPHS, height=SIDE, width=SIDE)
    with TemporaryDirectory() as folder:
        dataset = _written(scenes, Path(folder))
        for what, discoverer in (
            ("the paper's sizes", Discoverer(segmenter())),
            ("the embedded model", load(device="cpu")),
        ):
            yield _overhead(what, discoverer, dataset, Path(folder) / what)
    yield from _metrics(scenes)


def _written(scenes: SyntheticDataset, folder: Path) -> FolderDataset:
    """The scenes as 320x320 JPEG files, and their class masks."""
    for part in ("photographs", "masks"):
        (folder / part).mkdir()
    for index in range(len(scenes)):
        sample = scenes[index]
        scene = draw_scene(scenes, index)
        Image.fromarray(scene.image).save(folder / "photographs" / f"{sample.id}.jpg", quality=85)
        Image.fromarray(scene.classes).save(folder / "masks" / f"{sample.id}.png")
    return FolderDataset(folder / "photographs", folder / "masks", "classes")


def _overhead(what: str, discoverer: Discoverer, dataset: FolderDataset, out: Path) -> Pair:
    paths, runs, options = sorted(dataset.root.iterdir()), count(), EvaluationOptions(batch_size=BATCH)
    return compare(
        f"evaluate under paper, {what}, beside discover of the same photographs",
        lambda: evaluate([discoverer], dataset, ["paper"], out=out / str(next(runs)), options=options),
        lambda: discoverer.discover(paths, batch_size=BATCH),
        units=PHOTOGRAPHS,
        rounds=3,
    )


def _metrics(scenes: SyntheticDataset) -> Iterator[Pair]:
    """One core: rates above 200 a second is less than 5 ms a photograph."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    discoverer = load(device="cpu")
    photographs = [draw_scene(scenes, index).image for index in range(PHOTOGRAPHS)]
    labels = [
        sample.read_labels(frozenset(LabelKind)) for sample in map(scenes.__getitem__, range(PHOTOGRAPHS))
    ]
    found = discoverer.discover(photographs)
    for protocol in PROTOCOLS.values():
        if protocol.name == "paper-as-released":  # the metrics of `paper`
            continue

        def measure(protocol=protocol) -> None:  # type: ignore[no-untyped-def]
            for discovery, truth in zip(found, labels, strict=True):
                protocol.measure(discovery, truth)

        yield compare(
            f"metrics of {protocol.name}, one core, beside the embedded model",
            measure,
            lambda: discoverer.discover(photographs),
            units=PHOTOGRAPHS,
            rounds=3,
        )
    torch.set_num_threads(threads)
