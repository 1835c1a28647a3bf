"""Faults that slots are known for, named and measured; no label is needed, though a known background is used.

Everything is read off the winning slot of every patch of a few photographs, squashed to one square grid so that
photographs can be compared with each other. The slots are those of the model itself, before background is merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, UInt8
from torch import Tensor

from slotlight import metrics
from slotlight.discovery.discoverer import Discoverer
from slotlight.images import RGBImage, resize, to_batch

Level = Literal["fine", "watch", "bad"]
_EXAMPLES = 3
_BATCH = 8


@dataclass(frozen=True)
class Example:
    """A photograph that shows a finding.

    Attributes:
        photograph: Its place among those given.
        segments: The winning slot of every patch, with the photograph squashed to a square.
    """

    photograph: int
    segments: UInt8[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Finding:
    """One thing that may go wrong.

    Attributes:
        name: Short.
        value: How much of it.
        meaning: What the value says, in a sentence.
        level: Whether it is a fault.
        examples: The photographs that show it most.
    """

    name: str
    value: float
    meaning: str
    level: Level
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class _Observed:
    """What a model's slots do in all photographs.

    Attributes:
        slots: How many slots there are.
        winners: The winning slot of every patch.
        other_winners: The same under another seed, where a seed makes a difference.
        agreement: How far the heads agree in each photograph, where there are several.
    """

    slots: int
    winners: Integer[Tensor, "photograph rows columns"]
    other_winners: Integer[Tensor, "photograph rows columns"] | None
    agreement: Float[Tensor, " photograph"] | None

    def examples(self, photographs: Sequence[int]) -> tuple[Example, ...]:
        return tuple(Example(i, self.winners[i].numpy().astype(np.uint8)) for i in photographs)

    def worst(self, badness: Float[Tensor, " photograph"]) -> tuple[Example, ...]:
        return self.examples(badness.argsort(descending=True, stable=True)[:_EXAMPLES].tolist())


def diagnose(
    discoverer: Discoverer,
    photographs: Sequence[RGBImage],
    backgrounds: Sequence[Bool[np.ndarray, "_ _"] | None],
) -> tuple[Finding, ...]:
    """Look for what may go wrong with a model.

    Args:
        discoverer: The model.
        photographs: A few dozen, of any size.
        backgrounds: Where each is known to be background; None, and its border is taken.
    """
    observed = _observe(discoverer, photographs)
    findings = [_unused_slots(observed), _position_only(observed), _split_background(observed, backgrounds)]
    if observed.agreement is not None:
        findings.append(_heads_that_disagree(observed, observed.agreement))
    if observed.other_winners is not None:
        findings.append(_seeds_that_disagree(observed, observed.other_winners))
    return tuple(findings)


@torch.inference_mode()
def _observe(discoverer: Discoverer, photographs: Sequence[RGBImage]) -> _Observed:
    segmenter = discoverer.segmenter
    side = max(1, segmenter.image_size // segmenter.patch_size) * segmenter.patch_size
    winners, other_winners, agreement, slots = [], [], [], 0
    for start in range(0, len(photographs), _BATCH):
        squares = [resize(photograph, (side, side)) for photograph in photographs[start : start + _BATCH]]
        images = to_batch(squares).to(segmenter.device)
        found = segmenter.segment(images, seed=0)
        slots = found.raw.shape[1]
        winners.append(found.raw.argmax(dim=1).cpu())
        if segmenter.is_seeded:
            other_winners.append(segmenter.segment(images, seed=1).raw.argmax(dim=1).cpu())
        if found.agreement is not None:
            agreement.append(found.agreement.mean(dim=1).float().cpu())
    return _Observed(
        slots,
        torch.cat(winners),
        torch.cat(other_winners) if other_winners else None,
        torch.cat(agreement) if agreement else None,
    )


def _unused_slots(observed: _Observed) -> Finding:
    used = torch.stack([torch.bincount(w.flatten(), minlength=observed.slots) > 0 for w in observed.winners])
    unused = (~used).double().mean(dim=1)
    never = int((~used.any(dim=0)).sum())
    share = float(unused.mean())
    return Finding(
        "Slots that win nothing",
        share,
        f"On average {100 * share:.0f} % of the {observed.slots} slots win no patch; {never} never won one at all.",
        _level(share, watch=0.3, bad=0.6),
        observed.worst(unused),
    )


def _position_only(observed: _Observed) -> Finding:
    # ARI is 0 for partitions that agree by chance alone, so nothing has to be shuffled for comparison.
    others = observed.winners.roll(1, 0)
    same = metrics.adjusted_rand_index(metrics.confusion_matrix(observed.winners, others))
    value = float(same.mean()) if len(same) > 1 else float("nan")
    return Finding(
        "Segments that ignore the photograph",
        value,
        f"Segments of two different photographs have a Rand index (ARI) of {value:.2f}: 1 means the same tiles or "
        "halves whatever is shown, 0 means that segments do not depend on position.",
        _level(value, watch=0.25, bad=0.5),
        observed.worst(same),
    )


def _split_background(observed: _Observed, backgrounds: Sequence[Bool[np.ndarray, "_ _"] | None]) -> Finding:
    parts = torch.tensor(
        [
            _effective_slots(w[_ground(b, *w.shape)])
            for w, b in zip(observed.winners, backgrounds, strict=True)
        ],
        dtype=torch.float64,
    )
    value = float(parts.nanmean())
    where = "border" if all(b is None for b in backgrounds) else "background"
    return Finding(
        "Background in many pieces",
        value,
        f"The photographs' {where} is shared by {value:.1f} slots on average (the exponential of their entropy).",
        _level(value, watch=2.5, bad=4.0),
        observed.worst(parts.nan_to_num(0)),
    )


def _heads_that_disagree(observed: _Observed, agreement: Float[Tensor, " photograph"]) -> Finding:
    value = float(agreement.mean())
    return Finding(
        "Heads that disagree",
        value,
        f"The matched slots of two heads have a mean cosine similarity of {value:.2f}; 1 is perfect agreement.",
        _level(-value, watch=-0.6, bad=-0.4),
        observed.worst(-agreement),
    )


def _seeds_that_disagree(
    observed: _Observed, other_winners: Integer[Tensor, "photograph rows columns"]
) -> Finding:
    same = metrics.adjusted_rand_index(metrics.confusion_matrix(observed.winners, other_winners))
    value = float(same.mean())
    worst = int(same.argmin())
    pair = (observed.winners[worst], other_winners[worst])
    return Finding(
        "Seeds that disagree",
        value,
        f"Segments of one photograph under two seeds have a Rand index (ARI) of {value:.2f}; 1 means identical. "
        "The photograph on which they differ most is shown under both.",
        _level(-value, watch=-0.7, bad=-0.4),
        tuple(Example(worst, winners.numpy().astype(np.uint8)) for winners in pair),
    )


def _effective_slots(winners: Integer[Tensor, " patch"]) -> float:
    """How many equal slots would be as mixed as these; NaN for no patch."""
    if not len(winners):
        return float("nan")
    shares = torch.bincount(winners).double() / len(winners)
    return float(torch.special.entr(shares).sum().exp())


def _ground(
    background: Bool[np.ndarray, "_ _"] | None, rows: int, columns: int
) -> Bool[Tensor, "rows columns"]:
    if background is None:
        border = torch.ones(rows, columns, dtype=torch.bool)
        border[1:-1, 1:-1] = False
        return border
    row = torch.arange(rows) * background.shape[0] // rows
    column = torch.arange(columns) * background.shape[1] // columns
    return torch.tensor(background)[row[:, None], column]


def _level(value: float, *, watch: float, bad: float) -> Level:
    return "bad" if value > bad else "watch" if value > watch else "fine"
