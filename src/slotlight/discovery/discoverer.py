"""Photograph(s) → `Discovery`: the public face of every model, floor and baseline."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from jaxtyping import UInt8
from PIL.Image import Image

from slotlight.config import Calibration, ObjectRule
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.segments import PixelObjects
from slotlight.errors import ConfigError, ImageError
from slotlight.images import Encoded, Photograph, TensorLike, fit_size, read_photograph, read_size
from slotlight.parallel import WORKERS, OrderedBatches, map_ahead, worker_pool

if TYPE_CHECKING:
    from slotlight.segmenter import Segmenter, SlotMasks
else:  # torch is imported by whoever makes a segmenter; `slotlight.graphs` finds objects without it
    Segmenter = SlotMasks = Any

MOST_PIXELS = 128_000_000
"""Of the photographs that wait for others of their size: ten from a phone, hundreds from the web."""


@dataclass(frozen=True)
class Tagged:
    """A photograph and whatever belongs to it; `Discovery.tag` gives it back, so that no two can be mixed up."""

    photograph: Photograph
    tag: object


OnError = Callable[[Photograph | Tagged, ImageError], None]


@dataclass(frozen=True)
class Ready:
    """A photograph that has been read, and its small copy for the segmenter."""

    source: Photograph
    tag: object
    image: UInt8[np.ndarray, "height width 3"]
    small: UInt8[np.ndarray, "rows columns 3"]

    def discovery(self, objects: PixelObjects) -> Discovery:
        """The photograph with what was found in it."""
        path = Path(self.source) if isinstance(self.source, str | Path) else None
        return Discovery(
            self.image, objects.segments, objects.masks, objects.boxes_xyxy, objects.scores, path, self.tag
        )


class Discoverer:
    """Finds the objects in photographs with any `slotlight.segmenter.Segmenter`.

    Each photograph is resized to about the segmenter's area with its aspect ratio kept, photographs of equal size
    share a batch, and the masks are brought back to the photograph's own size.

    Example:
        >>> import slotlight
        >>> discoverer = slotlight.load("centre-box")
        >>> found = discoverer.discover(np.zeros((60, 80, 3), np.uint8))
        >>> found.boxes_xyxy.round().tolist()
        [[10.0, 8.0, 70.0, 52.0]]
    """

    def __init__(self, segmenter: Segmenter, *, rule: ObjectRule | None = None) -> None:
        self.segmenter, self.rule = segmenter, rule or ObjectRule()
        self.rule = replace(self.rule, min_score=self.rule.least_score(self.calibration))

    @property
    def calibration(self) -> Calibration:
        """What makes probabilities of its scores."""
        return self.segmenter.calibration

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.segmenter.name

    def fingerprint(self) -> str:
        """A hash of everything that decides what is found in a photograph, but for the seed and the rule."""
        return self.segmenter.fingerprint()

    # A tensor or array is a sequence too, but one photograph.
    @overload
    def discover(  # type: ignore[overload-overlap]
        self, photographs: Photograph, *, batch_size: int = 8, seed: int = 0
    ) -> Discovery: ...
    @overload
    def discover(
        self, photographs: Sequence[Photograph], *, batch_size: int = 8, seed: int = 0
    ) -> list[Discovery]: ...
    def discover(
        self, photographs: Photograph | Sequence[Photograph], *, batch_size: int = 8, seed: int = 0
    ) -> Discovery | list[Discovery]:
        """Find the objects of one photograph (a path, PIL image, array or tensor) or of a list of them.

        Raises:
            ImageError: A photograph cannot be read.
        """
        if isinstance(photographs, str | Path | Encoded | Image | np.ndarray | TensorLike):
            return next(self.stream([photographs], batch_size=1, seed=seed))
        return list(self.stream(photographs, batch_size=batch_size, seed=seed))

    def generate(self, image: UInt8[np.ndarray, "height width 3"]) -> list[dict[str, Any]]:
        """The objects of a photograph as SAM's automatic mask generator gives them; see `Discovery.to_sam`."""
        return self.discover(image).to_sam()

    def stream(
        self,
        photographs: Iterable[Photograph | Tagged],
        *,
        batch_size: int = 8,
        seed: int = 0,
        on_error: OnError | None = None,
    ) -> Iterator[Discovery]:
        """Find the objects of any number of photographs, in order and in constant memory.

        Reading and resizing run in threads beside the model.

        Args:
            photographs: Paths, PIL images, arrays or tensors, each as it is or `Tagged`; read as they are needed.
            batch_size: The most photographs that go through the segmenter at once.
            seed: Of the slots' initial noise; a photograph's result depends on it and on nothing else.
            on_error: Called with each photograph that cannot be read, as it was given, which is then left out. Without
                it, the first one raises.
        """
        if self.rule.tiles > 1:
            from slotlight.discovery.tiles import stream_in_tiles

            yield from stream_in_tiles(self, photographs, batch_size=batch_size, seed=seed, on_error=on_error)
            return
        window = 4 * batch_size  # wide enough that equal sizes meet
        with worker_pool() as pool:
            batches: OrderedBatches[Ready, Discovery] = OrderedBatches(
                lambda ready: self._segment(ready, seed, pool), batch_size=batch_size, room=window
            )
            for ready in self.read_ahead(photographs, batch_size + WORKERS, pool, on_error):
                pixels = ready.image.size // 3
                yield from batches.put(ready, ready.small.shape, max(1, window * pixels // MOST_PIXELS))
            yield from batches.rest()

    def read_ahead(
        self,
        photographs: Iterable[Photograph | Tagged],
        count: int,
        pool: ThreadPoolExecutor,
        on_error: OnError | None,
    ) -> Iterator["Ready"]:
        """Read photographs in a pool's threads, a few ahead of those that are taken; see `stream`."""
        for ready in map_ahead(pool, self._read, photographs, ahead=count, weight=_pixels, room=MOST_PIXELS):
            if isinstance(ready, Ready):
                yield ready
            elif on_error is None:
                raise ready[1]
            else:
                on_error(*ready)

    def _read(self, given: Photograph | Tagged) -> "Ready | tuple[Photograph | Tagged, ImageError]":
        source, tag = (given.photograph, given.tag) if isinstance(given, Tagged) else (given, None)
        try:
            image = read_photograph(source)
        except ImageError as error:
            return given, error
        return Ready(source, tag, image, self.fitted(image))

    def fitted(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
        """A photograph as the segmenter is given it."""
        from slotlight.images.resizing import resize

        height, width, _ = image.shape
        size = fit_size(height, width, self.segmenter.image_size, self.segmenter.patch_size)
        return resize(image, size)

    def slots_in(self, fitted: Sequence[UInt8[np.ndarray, "rows columns 3"]], seed: int) -> SlotMasks:
        """The slots of photographs of one size.

        Raises:
            ConfigError: The rule asks for proposals, and there are none.
        """
        from slotlight.images.resizing import to_batch

        slots = self.segmenter.segment(to_batch(list(fitted), self.segmenter.device), seed=seed)
        if self.rule.proposals and slots.regions is None:
            raise ConfigError(
                f"{self.name!r} makes no proposals; choose a model that does, such as voting or a detector, or leave "
                "--proposals out."
            )
        return slots

    def objects_in(self, slots: SlotMasks, number: int, size: tuple[int, int]) -> PixelObjects:
        """The objects that the rule makes of one photograph's slots, at its own size."""
        # An accelerator may still be at them: it is a worker that waits, while the next batch is prepared.
        import torch

        from slotlight.discovery.objects import pixel_objects, pixel_regions
        from slotlight.segmenter import Regions

        with torch.inference_mode():
            if self.rule.proposals and slots.regions is not None:
                regions = slots.regions[number]
                regions = Regions(regions.masks.cpu(), regions.scores.cpu())
                return pixel_regions(regions, size, self.rule, calibration=self.calibration)
            masks, scores, groups = (
                values[number].cpu() for values in (slots.masks, slots.scores, slots.group_of)
            )
            return pixel_objects(
                masks, scores, size, self.rule, groups, whole=slots.whole, calibration=self.calibration
            )

    def _segment(self, ready: list[Ready], seed: int, pool: ThreadPoolExecutor) -> list[Future[Discovery]]:
        """Put photographs of one size through the segmenter; what remains is done beside the next batch."""
        slots = self.slots_in([photograph.small for photograph in ready], seed)
        return [
            pool.submit(self._finish, photograph, slots, number) for number, photograph in enumerate(ready)
        ]

    def _finish(self, photograph: Ready, slots: SlotMasks, number: int) -> Discovery:
        height, width, _ = photograph.image.shape
        return photograph.discovery(self.objects_in(slots, number, (height, width)))


def _pixels(given: Photograph | Tagged) -> int:
    """How many pixels a photograph will have once it is read; those in memory already cost nothing more."""
    source = given.photograph if isinstance(given, Tagged) else given
    if not isinstance(source, str | Path | Encoded):
        return 0
    try:
        width, height = read_size(source).stored
    except ImageError:  # reading it will say why, in its turn
        return 0
    return width * height
