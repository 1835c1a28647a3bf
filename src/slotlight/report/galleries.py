"""Pictures for the report: what was found beside what is there, best, median, worst and at random."""

import base64
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from slotlight.datasets import VOID, Dataset, Labels
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.drawing import label_map, segment_picture
from slotlight.errors import SlotlightError
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols import Protocol
from slotlight.evaluation.result import ProtocolResult
from slotlight.images import RGBImage
from slotlight.report.diagnostics import Example

SIDE = 240
COUNT = 4


@dataclass(frozen=True)
class Pair:
    """One photograph.

    Attributes:
        id: Its name.
        score: What it was chosen by.
        found: What the model found, as a data URL.
        truth: What is there, as a data URL.
    """

    id: str
    score: float
    found: str
    truth: str


@dataclass(frozen=True)
class Selection:
    """Photographs chosen in one way: ``best``, ``median``, ``worst`` or ``random``."""

    title: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Gallery:
    """One model's photographs under one protocol, and the metric that they are ordered by."""

    model: str
    protocol: str
    metric: str
    selections: tuple[Selection, ...]


def make_gallery(discoverer: Discoverer, dataset: Dataset, result: ProtocolResult) -> Gallery:
    """Choose photographs by their values under seed 0, and draw them; one that has gone since is left out."""
    protocol = result.protocol
    measured = next(values.seeds[0] for values in result.values if values.model == discoverer.name)
    metric = next((m.name for m in protocol.metrics if not m.pooled), None)
    scores = {index: _score(values, metric) for index, values in measured.items()}
    chosen = choose({index: score for index, score in scores.items() if not np.isnan(score)})
    drawn: dict[int, Pair] = {}
    for index in dict.fromkeys(i for indices in chosen.values() for i in indices):
        with suppress(SlotlightError):
            drawn[index] = draw_pair(discoverer, dataset, protocol, index, scores[index])
    selections = tuple(
        Selection(title, tuple(drawn[i] for i in indices if i in drawn)) for title, indices in chosen.items()
    )
    return Gallery(discoverer.name, protocol.name, metric or "mean IoU of the objects", selections)


def choose(scores: dict[int, float]) -> dict[str, list[int]]:
    """Best, median, worst and random photographs of those that have a score.

    Example:
        >>> choose({i: i / 100 for i in range(100)})["best"]
        [99, 98, 97, 96]
    """
    order = sorted(scores, key=lambda index: (-scores[index], index))
    middle = max(0, (len(order) - COUNT) // 2)
    ranked = {"best": order[:COUNT], "worst": order[::-1][:COUNT], "median": order[middle : middle + COUNT]}
    random = np.random.default_rng(0).permutation(sorted(scores))[:COUNT].tolist()
    return {"best": ranked["best"], "median": ranked["median"], "worst": ranked["worst"], "random": random}


def example_picture(photograph: RGBImage, example: Example) -> str:
    """A photograph under its segments, as a data URL."""
    height, width = photograph.shape[:2]
    segments = Image.fromarray(example.segments).resize((width, height), Image.Resampling.NEAREST)
    return data_url(segment_picture(photograph, np.asarray(segments)))


def data_url(picture: Image.Image) -> str:
    """A picture as a small WebP inside a page."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=70)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _score(measured: Measured, metric: str | None) -> float:
    if metric is not None:
        return measured.values[metric]
    return float(np.mean(measured.objects.overlaps)) if measured.objects.overlaps else float("nan")


def draw_pair(discoverer: Discoverer, dataset: Dataset, protocol: Protocol, index: int, score: float) -> Pair:
    """Draw what a model finds in a photograph beside what is annotated, as a protocol shows them.

    Raises:
        SlotlightError: The photograph or its labels can no longer be read.
    """
    sample = dataset[index]
    image = sample.read_image()
    labels = protocol.read_labels(dataset, sample, image.shape[:2])
    found = discoverer.discover(protocol.view.image(image))
    # Cropped pictures stay beside squashed labels: the report shows what that does.
    return Pair(sample.id, score, _found_picture(protocol, found), _truth_picture(found.image, labels))


def _found_picture(protocol: Protocol, found: Discovery) -> str:
    """What was found as a protocol judges it, all slots or the objects alone, as a data URL."""
    picture = segment_picture(found.image, found.segments) if protocol.shows_slots else found.overlay()
    return data_url(picture)


def _truth_picture(image: RGBImage, labels: Labels) -> str:
    """What is annotated, as a data URL."""
    picture = Image.fromarray(image)
    maps: Sequence[np.ndarray | None] = (labels.instances, labels.classes, labels.foreground)
    known = next((m for m in maps if m is not None), None)
    if known is not None:
        colours = label_map(np.where(known == VOID, 0, known)).convert("RGB")
        opacity = Image.fromarray(np.where((known > 0) & (known != VOID), 150, 0).astype(np.uint8))
        picture.paste(colours, mask=opacity)
    elif labels.boxes_xyxy is not None:
        draw = ImageDraw.Draw(picture)
        for left, top, right, bottom in labels.boxes_xyxy.tolist():
            for inset, colour in ((0, "black"), (1, "white"), (2, "white"), (3, "black")):
                if right - left > 2 * inset + 1 and bottom - top > 2 * inset + 1:
                    corners = (left + inset, top + inset, right - 1 - inset, bottom - 1 - inset)
                    draw.rectangle(corners, outline=colour)
    return data_url(picture)
