"""How well objects are followed: ``python -m benchmarks.video [VOCdevkit]``.

Draws videos with known masks (see `benchmarks.drawn_videos`), finds the objects of every frame, and follows them.
Beside it stands discovery frame by frame, where an object's number is its rank by score. With *slots handed on*, the
slots of a frame begin as those that were found in the frame before.
*J* is the mean IoU over all frames of each true object with the one track that is matched to it for the whole video
(Hungarian); *any J* is that with the best object of each frame, whatever its number, so no way of following exceeds
it. A *switch* is a frame in which a true object is found (IoU of 0.5 or more) under another number than the last time
that it was found.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle
from jaxtyping import Bool, Float
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import slotlight
from benchmarks.drawn_videos import DrawnFrame, drawn_video
from benchmarks.timing import hardware
from slotlight.config import TrackRule
from slotlight.discovery.discoverer import Discoverer
from slotlight.formats.run_lengths import RunLengths
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_method import HeadSlots
from slotlight.video.finding import FrameObjects, find_in_frames
from slotlight.video.reading import Frame
from slotlight.video.tracker import Tracker

FRAMES, BATCH = 40, 8
_FOUND = 0.5

Numbering = Callable[[Sequence["Seen"]], list[list[int]]]


@dataclass(frozen=True)
class Seen:
    """A frame: what was found, and what is true.

    Attributes:
        annotations: Of the objects, best first.
        features: Of the objects.
        overlap: IoU of each true object with each found one.
        visible: Whether any of each true object can be seen.
    """

    annotations: list[dict[str, object]]
    features: Float[np.ndarray, "object dim"]
    overlap: Float[np.ndarray, "true object"]
    visible: Bool[np.ndarray, " true"]


@dataclass(frozen=True)
class Score:
    """Of one video: see the module."""

    j: float
    any_j: float
    switches: int
    found: int


class HandsOn:
    """While it is entered, slots begin as those that were found last, frame by frame."""

    def __init__(self, attention: Any) -> None:
        self._attention: Any = attention
        self._found: Tensor | None = None

    def __enter__(self) -> None:
        self._plain = self._attention._around_mean
        self._hook = self._attention.register_forward_hook(self._keep)
        self._attention._around_mean = self._around_mean

    def __exit__(self, *_: object) -> None:
        self._hook.remove()
        self._attention._around_mean = self._plain

    def _keep(self, attention: Any, _: object, found: HeadSlots) -> None:
        self._found = found.slots - attention.mu[:, None, None]

    def _around_mean(self, features: Tensor, noise: Tensor) -> Tensor:
        return self._plain(features, noise) if self._found is None else self._found


def look(discoverer: Discoverer, frames: Sequence[DrawnFrame], batch_size: int = BATCH) -> Iterator[Seen]:
    """Find the objects of every frame."""
    true = range(1, max(int(frame.instances.max()) for frame in frames) + 1)
    for start in range(0, len(frames), batch_size):
        batch = frames[start : start + batch_size]
        asked = [Frame(start + n, (start + n) / 25, frame.image) for n, frame in enumerate(batch)]
        for frame, found in zip(batch, find_in_frames(discoverer, asked), strict=True):
            yield _seen(frame, found, true)


def _seen(frame: DrawnFrame, found: FrameObjects, true: Sequence[int]) -> Seen:
    annotations = found.annotations()
    masks = np.stack([frame.instances == number for number in true])
    codes = [code.to_coco() for code in RunLengths.encode(masks)]
    overlap = np.zeros((len(true), len(annotations)))
    if annotations:
        overlap = np.asarray(rle.iou(codes, [a["segmentation"] for a in annotations], [0] * len(annotations)))
    visible = np.asarray(masks.any(axis=(1, 2)))
    return Seen(annotations, found.features, overlap, visible)


def followed(rule: TrackRule) -> Numbering:
    """Numbers by tracks."""

    def number(video: Sequence[Seen]) -> list[list[int]]:
        tracker = Tracker(rule)
        return [tracker.update(seen.annotations, seen.features) for seen in video]

    return number


def by_rank(video: Sequence[Seen]) -> list[list[int]]:
    """Numbers by score, frame by frame."""
    return [list(range(1, len(seen.annotations) + 1)) for seen in video]


def score(video: Sequence[Seen], numbers: Sequence[Sequence[int]]) -> Score:
    """Hold the numbers against the truth."""
    true = len(video[0].overlap)
    total = np.zeros((true, max(map(max, filter(None, numbers)), default=0) + 1))
    visible, best = np.zeros(true), np.zeros(true)
    last: dict[int, int] = {}
    switches = found = 0
    for seen, given in zip(video, numbers, strict=True):
        visible += seen.visible
        overlap = seen.overlap
        kept = [place for place, number in enumerate(given) if number]
        for place in kept:
            total[:, given[place]] += overlap[:, place]
        best += overlap.max(axis=1, initial=0)
        rows, columns = linear_sum_assignment(overlap[:, kept], maximize=True)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if overlap[row, kept[column]] >= _FOUND:
                number = given[kept[column]]
                found += 1
                switches += last.get(row, number) != number
                last[row] = number
    rows, columns = linear_sum_assignment(total, maximize=True)
    j = total[rows, columns].sum() / visible.sum()
    return Score(float(j), float(best.sum() / visible.sum()), switches, found)


def main() -> None:
    """Draw, find, follow, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.video", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("voc", type=Path, nargs="?", help="a VOC devkit with VOC2012, for the cutouts")
    parser.add_argument("--seeds", type=int, default=8, help="videos of each kind")
    parser.add_argument("--first-seed", type=int, default=100)
    chosen = parser.parse_args()
    kinds = ("shapes", "cutouts") if chosen.voc else ("shapes",)
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    discoverer, console = slotlight.load(), Console()
    console.print(f"{hardware()}; {chosen.seeds} videos of {FRAMES} frames of each kind")
    table = Table("videos", "numbers", "J", "any J", "found", "switches", "frames/s for numbers")
    rule = TrackRule()
    ways: dict[str, Numbering] = {
        "followed": followed(rule),
        "followed by place alone": followed(TrackRule(likeness=0.0)),
        "frame by frame": by_rank,
    }
    model = discoverer.segmenter
    assert isinstance(model, ModelSegmenter)
    for kind in kinds:
        drawn = [list(drawn_video(kind, seed, FRAMES, chosen.voc)) for seed in seeds]
        clock = time.process_time()
        videos = [list(look(discoverer, frames)) for frames in drawn]
        seconds = time.process_time() - clock
        handed: list[list[Seen]] = []
        clock = time.process_time()
        for one in drawn:
            with HandsOn(model.model.attention):
                handed.append(list(look(discoverer, one, batch_size=1)))
        handed_seconds = time.process_time() - clock
        frames = sum(map(len, videos))
        rows = [(name, videos, way) for name, way in ways.items()]
        rows += [(f"slots handed on, {name}", handed, way) for name, way in ways.items()]
        for name, seen, way in rows:
            clock = time.process_time()
            scores = [score(video, way(video)) for video in seen]
            taken = time.process_time() - clock
            j, any_j = (
                100 * np.array([values]) for values in zip(*((s.j, s.any_j) for s in scores), strict=True)
            )
            table.add_row(
                kind,
                name,
                f"{j.mean():.1f} ± {j.std() / np.sqrt(len(scores)):.1f}",
                f"{any_j.mean():.1f}",
                str(sum(s.found for s in scores)),
                str(sum(s.switches for s in scores)),
                f"{frames / taken:,.0f}",
            )
        console.print(
            f"{kind}: found at {frames / seconds:.1f} frames a second of CPU time, "
            f"with slots handed on at {frames / handed_seconds:.1f}",
            soft_wrap=True,
        )
    console.print(table)


if __name__ == "__main__":
    main()
