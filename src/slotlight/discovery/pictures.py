"""A discovery → its label map, overlay and cutouts on disk, and its line of the record."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import cast

from slotlight.discovery.discoverer import Discoverer, Tagged
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.record import Entry, Line
from slotlight.drawing import label_map
from slotlight.errors import ImageError, printable
from slotlight.formats.cutouts import cut_out, cutout_paths
from slotlight.images import Photograph
from slotlight.images.fetching import fetch
from slotlight.images.files import PixelBudget
from slotlight.images.saving import save_picture
from slotlight.parallel import OrderedBatches

WRITERS = 2
_WAITING = 16  # discoveries that may wait for a writer; more would grow in memory
_WAITING_BYTES = 400_000_000  # of their photographs and masks
_MOST_SIDE = 4_000  # of an overlay, which is there to be looked at
_WRITING = PixelBudget(50_000_000)  # 15 bytes a pixel
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of a run lie.

    Attributes:
        folder: Of the results.
        overlays: Whether overlays are drawn.
        masks: Whether label maps are written.
        cutouts: Whether objects are cut out.
    """

    folder: Path
    overlays: bool = True
    masks: bool = True
    cutouts: bool = False

    def paths(self, name: str) -> list[Path]:
        """The pictures of a photograph whose pictures are called so; of cutouts, those that are there."""
        label_maps = [self._label_map(name)] if self.masks else []
        return [*label_maps, *([self._overlay(name)] if self.overlays else []), *self._cutouts(name)]

    def are_complete(self, line: Line) -> bool:
        """Whether all pictures of a finished photograph are there; one that could not be drawn is tried again."""
        if self.cutouts and len(self._cutouts(line.name)) != len(line.annotations):
            return False
        return all(path.is_file() for path in self.paths(line.name))

    def write(self, discovery: Discovery) -> Line:
        """Write the pictures of a discovery that is tagged with its `Entry`; they are done before its line is."""
        entry = cast(Entry, discovery.tag)
        if self.masks:
            save_picture(label_map(discovery.labels), self._label_map(entry.name), compress_level=3)
        if self.overlays:  # a JPEG takes a twentieth of a PNG's time and a quarter of its room
            self._draw(discovery, entry)
        if self.cutouts:
            self._cut_out(discovery, entry.name)
        height, width = discovery.image.shape[:2]
        annotations = discovery.to_coco(entry.image_id)
        return Line(
            entry.file,
            entry.name,
            entry.image_id,
            entry.stamp,
            width,
            height,
            annotations,
            address=entry.address,
        )

    def _label_map(self, name: str) -> Path:
        return self.folder / "masks" / f"{name}.png"

    def _overlay(self, name: str) -> Path:
        return self.folder / "overlays" / f"{name}.jpg"

    def _cutouts(self, name: str) -> list[Path]:
        paths = cutout_paths(self.folder / "cutouts", name)
        return list(takewhile(Path.is_file, paths)) if self.cutouts else []

    def _cut_out(self, discovery: Discovery, name: str) -> None:
        cutouts = cut_out(discovery.image, discovery.each_mask, discovery.boxes_xyxy)
        for path, cutout in zip(cutout_paths(self.folder / "cutouts", name), cutouts, strict=False):
            save_picture(cutout, path, compress_level=3)
        for path in self._cutouts(name)[len(discovery) :]:  # of the photograph before it changed
            path.unlink()

    def _draw(self, discovery: Discovery, entry: Entry) -> None:
        """Write an overlay; it is there to be looked at, so one that cannot be drawn ends nothing."""
        try:
            picture = discovery.overlay(most_side=_MOST_SIDE)
        except Exception as fault:  # drawing libraries raise anything
            _LOG.warning("No overlay of %s could be drawn: %s", printable(entry.shown), fault)
            return
        save_picture(picture, self._overlay(entry.name), quality=90)


def discover_entries(
    discoverer: Discoverer, entries: Iterable[Entry], pictures: Pictures, *, batch_size: int, seed: int
) -> Iterator[Line]:
    """Find the objects of photographs and write their pictures, in threads beside the model.

    Args:
        discoverer: What finds them.
        entries: The photographs.
        pictures: Where to.
        batch_size: See `Discoverer.stream`.
        seed: See `Discoverer.stream`.

    Yields:
        The line of each photograph, once its pictures are written; of those that cannot be read, too.
    """
    failed: list[Line] = []

    def tagged() -> Iterator[Tagged]:
        for entry, content in fetch(entries):
            if isinstance(content, ImageError):
                failed.append(Line.failed(entry, str(content)))
            else:
                yield Tagged(content, entry)

    def fail(given: Photograph | Tagged, fault: Exception) -> None:
        assert isinstance(given, Tagged)
        failed.append(Line.failed(cast(Entry, given.tag), str(fault)))

    with ThreadPoolExecutor(WRITERS) as pool:
        queue: OrderedBatches[Discovery, Line] = OrderedBatches(
            lambda found: [_submit(pool, pictures, one) for one in found], batch_size=1, room=_WAITING_BYTES
        )
        found = discoverer.stream(tagged(), batch_size=batch_size, seed=seed, on_error=fail)
        for discovery in found:
            size = discovery.image.nbytes + discovery.segments.nbytes + discovery.coarse_masks.nbytes
            yield from queue.put(discovery, None, max(size, _WAITING_BYTES // _WAITING))
            while failed:
                yield failed.pop()
        yield from queue.rest()
        yield from failed


def _submit(pool: ThreadPoolExecutor, pictures: Pictures, discovery: Discovery) -> Future[Line]:
    return pool.submit(_write, pictures, discovery)


def _write(pictures: Pictures, discovery: Discovery) -> Line:
    with _WRITING.take(discovery.segments.size):
        return pictures.write(discovery)
