"""How long a run will take: discrete events, drawn from what `python -m benchmarks.folders` measured.

``python -m benchmarks.simulate out/folders.json`` predicts the longest run in that file from the others; with
``--check OTHER.json`` it predicts the longest in the other file. ``--plan`` goes on to a million photographs and more,
with stragglers, failures and a store that gives so many photographs a second, and says what the cores cost.

A worker starts, then looks at its share of the photographs (as shards and ``--workers`` have it) or at one batch after
the other (as Ray has it). How long that takes is drawn from the times at which photographs entered the record of a
measured run. A worker that fails starts again, without what was under way.
"""

import argparse
import heapq
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table

UNDER_WAY = 64
"""Photographs that a worker has read and not yet recorded: what a failure costs beside the time to start again."""

MOST_PARTS = 40
"""Events for each worker, at most: of a million photographs, thousands are one event."""

SIZES = ((10**6, 8, 1), (10**8, 1000, 125), (10**9, 1000, 125))
"""Photographs, workers and runs that are planned."""

PRICE = 0.0513
"""Dollars for an hour of a core: half of an EC2 c7a.large (two cores of an EPYC, Zen 4), on demand in us-east-1."""

Clock = Literal["seconds", "cpu_seconds"]


@dataclass(frozen=True)
class Measured:
    """What some runs of one process took, in seconds of some clock.

    Attributes:
        start: From the start of a process to its first photograph, for no photograph and for each.
        end: From the last photograph in the record to the end, likewise.
        parts: Seconds between two looks at the record; and how many photographs were added to it.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    parts: np.ndarray

    @classmethod
    def of(cls, costs: Sequence[dict[str, Any]], clock: Clock) -> "Measured":
        """From runs of at least two lengths; photographs are timed in the longest."""
        place = 0 if clock == "seconds" else 1
        counts = [cost["photographs"] for cost in costs]
        longest = np.array(max(costs, key=lambda cost: int(cost["photographs"]))["progress"])
        parts = np.diff(longest[:, [place, 2]], axis=0)
        each = parts[:, 0].sum() / parts[:, 1].sum()
        before = [cost["progress"][0][place] - each * cost["progress"][0][2] for cost in costs]
        after = [cost[clock] - cost["progress"][-1][place] for cost in costs]
        return cls(_line(counts, before), _line(counts, after), parts)

    @cached_property
    def each(self) -> float:
        """Seconds of a photograph, on average."""
        return float(self.parts[:, 0].sum() / self.parts[:, 1].sum())

    @cached_property
    def spread(self) -> float:
        """Standard deviation of a part's seconds."""
        return float(np.std(self.parts[:, 0] - self.each * self.parts[:, 1]))

    def draw(self, rng: np.random.Generator, count: int) -> float:
        """Seconds of so many photographs, one after the other."""
        number = math.ceil(count * len(self.parts) / self.parts[:, 1].sum())
        if number > 100:  # the sum of so many is normally distributed
            return max(0.0, rng.normal(self.each * count, self.spread * math.sqrt(number)))
        drawn = self.parts[rng.integers(len(self.parts), size=number)]
        return float(drawn[:, 0].sum() * count / drawn[:, 1].sum())


def _line(counts: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """Seconds for none and for each more, neither below zero."""
    slope = max(0.0, float(np.polyfit(counts, seconds, 1)[0]))
    return max(0.0, float(np.mean(seconds) - slope * np.mean(counts))), slope


@dataclass(frozen=True)
class Plan:
    """A run to come.

    Attributes:
        photographs: How many.
        workers: Processes, each with a core of its own unless ``cores`` are fewer.
        cores: That all workers share.
        batch: Photographs that a worker is given at once; 0 deals all of them out before.
        runs: The list is cut into so many runs, each with its share of the workers and a folder of its own.
        slow_share: Share of the workers that are stragglers.
        slowness: How many times as long those take.
        hours_to_failure: Of a worker, on average.
        store_rate: Photographs that the store gives in a second, to all workers together.
    """

    photographs: int
    workers: int = 1
    cores: float = math.inf
    batch: int = 0
    runs: int = 1
    slow_share: float = 0.0
    slowness: float = 3.0
    hours_to_failure: float = math.inf
    store_rate: float = math.inf


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        seconds: From start to end.
        core_seconds: That workers were there for, each until it had nothing left to do.
        failures: Workers that failed.
    """

    seconds: float
    core_seconds: float
    failures: int


def simulate(plan: Plan, measured: Measured, seed: int = 0) -> Outcome:
    """Play a run through."""
    rng = np.random.default_rng(seed)
    first, each = measured.start
    begin = first + each * plan.photographs / plan.runs  # one process of a run finds its photographs,
    loading = first if plan.workers > plan.runs else 0.0  # and its workers load the model once more
    crowding = max(1.0, plan.workers / plan.cores)
    pace = np.where(rng.random(plan.workers) < plan.slow_share, plan.slowness, 1.0) * crowding
    fails = rng.exponential(size=plan.workers) * 3600 * plan.hours_to_failure
    part = max(plan.batch or 1, math.ceil(plan.photographs / plan.workers / MOST_PARTS))
    left = [len(range(worker, plan.photographs, plan.workers)) for worker in range(plan.workers)]
    undealt = plan.photographs
    events = [(begin + loading * pace[worker], worker) for worker in range(plan.workers)]
    heapq.heapify(events)
    store_free, last, held, failures = 0.0, begin, 0.0, 0
    while events:
        now, worker = heapq.heappop(events)
        count = min(part, undealt if plan.batch else left[worker])
        if count == 0:
            held += now
            continue
        store_free = max(now, store_free) + count / plan.store_rate
        end = max(now + measured.draw(rng, count) * pace[worker], store_free)
        if end > fails[worker]:
            failures += 1
            gone = max(now, float(fails[worker]))
            done = int(count * (gone - now) / (end - now)) - UNDER_WAY
            count = 0 if plan.batch else max(0, done)
            end = gone + (first if plan.batch else begin) * pace[worker]
            fails[worker] = end + rng.exponential() * 3600 * plan.hours_to_failure
        undealt -= count
        left[worker] -= count
        last = max(last, end)
        heapq.heappush(events, (end, worker))
    finish = measured.end[0] + measured.end[1] * plan.photographs / plan.runs  # one process of each run
    return Outcome(last + finish, held + finish * plan.runs, failures)


def predicted(costs: Sequence[dict[str, Any]], plan: Plan, console: Console) -> None:
    """A run that was measured beside what shorter ones say of it."""
    *shorter, longest = costs
    table = Table(
        f"{plan.photographs:,} photographs, {plan.workers} workers", "predicted", "measured", "off by"
    )
    shown: dict[Clock, tuple[str, Plan]] = {
        "seconds": ("seconds on the clock", plan),
        "cpu_seconds": ("CPU seconds", replace(plan, cores=1)),  # which add up
    }
    for clock, (name, case) in shown.items():
        seconds = simulate(case, Measured.of(shorter, clock)).seconds
        off = 100 * (seconds / longest[clock] - 1)
        table.add_row(name, f"{seconds:,.0f}", f"{longest[clock]:,.0f}", f"{off:+.0f} %")
    console.print(table)


def planned(measured: Measured, faults: Plan, price: float, console: Console) -> None:
    """Runs to come, and what they cost."""
    columns = ("photographs", "workers", "runs", "case", "hours", "core hours", "failures", "price, $")
    table = Table(*columns)
    for photographs, workers, runs in SIZES:
        smooth = Plan(photographs, workers, runs=runs)
        faulty = replace(faults, photographs=photographs, workers=workers, runs=runs, store_rate=math.inf)
        cases = {
            "no faults": smooth,
            "faults, shares": faulty,
            "faults, batches": replace(faulty, batch=32),
            "store's limit": replace(smooth, store_rate=faults.store_rate),
        }
        for name, plan in cases.items():
            outcome = simulate(plan, measured)
            hours = outcome.core_seconds / 3600
            table.add_row(
                *(f"{photographs:,}", f"{workers:,}", f"{runs:,}", name, f"{outcome.seconds / 3600:,.1f}"),
                *(f"{hours:,.0f}", f"{outcome.failures:,}", f"{price * hours:,.2f}"),
            )
    console.print(table)
    console.print(f"{measured.each:.4f} seconds a photograph; ${price} for an hour of a core")


def main() -> None:
    """Check, or plan."""
    parser = argparse.ArgumentParser(prog="benchmarks.simulate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("measured", type=Path, help="what `python -m benchmarks.folders` wrote")
    parser.add_argument("--check", type=Path, help="another such file, whose longest run is predicted")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--price-per-core-hour", type=float, default=PRICE)
    parser.add_argument("--slow-share", type=float, default=0.02)
    parser.add_argument("--slowness", type=float, default=3.0)
    parser.add_argument("--hours-to-failure", type=float, default=500.0)
    parser.add_argument("--store-rate", type=float, default=5000.0, help="photographs a second")
    chosen = parser.parse_args()
    console = Console()
    costs = _read(chosen.measured)["costs"]
    if chosen.plan:
        faults = Plan(
            *(0, 1),
            slow_share=chosen.slow_share,
            slowness=chosen.slowness,
            hours_to_failure=chosen.hours_to_failure,
            store_rate=chosen.store_rate,
        )
        return planned(Measured.of(costs, "cpu_seconds"), faults, chosen.price_per_core_hour, console)
    other = _read(chosen.check) if chosen.check else {**_read(chosen.measured), "costs": costs[-1:]}
    options, longest = other["options"], other["costs"][-1]
    workers = int(options[options.index("--workers") + 1]) if "--workers" in options else 1
    plan = Plan(longest["photographs"], workers, cores=other["cores"])
    return predicted([*(costs if chosen.check else costs[:-1]), longest], plan, console)


def _read(file: Path) -> dict[str, Any]:
    """What was measured, from the fewest photographs to the most."""
    found: dict[str, Any] = json.loads(file.read_text())
    found["costs"].sort(key=lambda cost: int(cost["photographs"]))
    return found


if __name__ == "__main__":
    main()
