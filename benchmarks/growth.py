"""How cost grows with slots, heads, patches and batch: seconds and peak memory, as plots and JSON.

Every point runs in a process of its own, because a process never forgets its peak memory.
"""

import json
import multiprocessing
import resource
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.subjects import DEVICE, DIM
from benchmarks.timing import Work, hardware, seconds
from benchmarks.training import step
from slotlight.config import ModelConfig, SlotConfig
from slotlight.model.slot_model import build_slot_model

OUT = Path("out")
ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """What is varied, one at a time, around the paper's sizes at a batch of four."""

    slots: int = 7
    heads: int = 8
    side: int = 20
    batch: int = 4


@dataclass(frozen=True)
class Cost:
    """Of one piece of work.

    Attributes:
        seconds: Median of `ROUNDS`.
        peak_megabytes: Above what the process held before.
    """

    seconds: float
    peak_megabytes: float


AXES = {"slots": (2, 4, 7, 14), "heads": (1, 2, 4, 8, 16), "side": (10, 20, 30), "batch": (1, 4, 16)}
LABELS = {"slots": "slots K", "heads": "heads H", "side": "patches P", "batch": "batch"}


def main() -> None:
    """Measure every point, write ``out/growth.json`` and ``out/growth.png``."""
    found = {
        axis: [(value, costs(replace(Size(), **{axis: value}))) for value in values]
        for axis, values in AXES.items()
    }
    OUT.mkdir(exist_ok=True)
    points = {
        axis: [
            {axis: value, **{what: asdict(cost) for what, cost in costs.items()}} for value, costs in points
        ]
        for axis, points in found.items()
    }
    (OUT / "growth.json").write_text(json.dumps({"hardware": hardware(), **points}, indent=2))
    draw(found).savefig(OUT / "growth.png", dpi=110)
    print(hardware(), f"written to {OUT}/growth.json and {OUT}/growth.png", sep="\n")


def costs(size: Size) -> dict[str, Cost]:
    """Of a training step and of segmenting features, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        return {what: pool.submit(cost, what, size).result() for what in ("training step", "segmenting")}


def cost(what: str, size: Size) -> Cost:
    """Of one piece of work, in this process."""
    work = subject(what, size)
    before = peak_megabytes()
    work()
    times = [seconds(work) for _ in range(ROUNDS)]
    return Cost(statistics.median(times), peak_megabytes() - before)


def subject(what: str, size: Size) -> Work:
    """The paper's model at a size, in bf16."""
    torch.manual_seed(0)
    grid = (size.side, size.side)
    config = ModelConfig(slots=SlotConfig(slots=size.slots, heads=size.heads))
    model = build_slot_model(config, DIM, grid).to(DEVICE)
    features = torch.randn(size.batch, size.side**2, DIM, device=DEVICE)
    if what == "training step":
        return step(model, lambda: features, "bf16")

    @torch.inference_mode()
    def segment() -> None:
        with torch.autocast(DEVICE, torch.bfloat16):
            model.segment_features(features, grid)

    return segment


def peak_megabytes() -> float:
    """The most memory so far: of the accelerator where there is one, else of the process."""
    if DEVICE == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def draw(found: dict[str, list[tuple[int, dict[str, Cost]]]]) -> Figure:
    """A column an axis; seconds above, memory below."""
    figure, rows = plt.subplots(
        2, len(found), figsize=(3.2 * len(found), 5.6), sharey="row", layout="constrained"
    )
    for column, (axis, points) in enumerate(found.items()):
        places = [value**2 if axis == "side" else value for value, _ in points]
        for row, quantity in enumerate(("seconds", "peak_megabytes")):
            for what in points[0][1]:
                values = [getattr(costs[what], quantity) for _, costs in points]
                rows[row][column].loglog(places, values, "o-", label=what)
            rows[row][column].set_xticks(places, places, minor=False)
            rows[row][column].xaxis.minorticks_off()
            rows[row][column].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            rows[row][column].yaxis.set_major_formatter("{x:g}")
            rows[row][column].yaxis.minorticks_off()
            rows[row][column].grid(alpha=0.3)
        rows[1][column].set_xlabel(LABELS[axis])
    rows[0][0].set_ylabel("seconds")
    rows[1][0].set_ylabel("peak memory, MB")
    rows[0][0].legend()
    figure.suptitle(f"one of K = 7, H = 8, P = 400, batch 4 varied; bf16; {hardware()}", fontsize=8)
    return figure


if __name__ == "__main__":
    main()
