"""Uploaded photographs → what was found in them, kept small; then pictures, rows and a zip for any score and number.

The model looks at a photograph once and keeps every candidate. Objects come best first, so that those of at least some
score, at most so many, are the first few: another choice needs no model.
"""

import io
import shutil
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from slotlight.config import FormatConfig, ObjectRule
from slotlight.discovery.discoverer import Discoverer, Tagged
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.naming import picture_names
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.record import Entry
from slotlight.discovery.shards import image_ids
from slotlight.drawing import Colour, best_on_top, contrasting_colours, overlay
from slotlight.errors import ImageError, printable
from slotlight.formats.found import Found, FoundPhotograph
from slotlight.formats.registry import write_formats
from slotlight.formats.run_lengths import RunLengths
from slotlight.images import Photograph, read_photograph
from slotlight.images.places import LocalFile

MOST_OBJECTS = 50
MOST_PHOTOGRAPHS = 50
EVERYTHING = ObjectRule(min_score=0.0, max_objects=MOST_OBJECTS)
"""All that a page may ever show."""

_LONGEST_SIDE = 1280
_THUMB_SIDE = 72


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found in one photograph, best first.

    Attributes:
        name: What the person calls the photograph's file.
        path: Where it was uploaded to.
        size: Its height and width.
        small: The photograph, small enough for a page.
        masks: Of its objects, at the photograph's size.
        small_masks: The same at the size of ``small``.
        boxes_xyxy: Around them, in the photograph's pixels.
        scores: Of the objects, descending.
        colours: What they are drawn in.
    """

    name: str
    path: Path
    size: tuple[int, int]
    small: UInt8[np.ndarray, "rows columns 3"]
    masks: tuple[RunLengths, ...]
    small_masks: tuple[RunLengths, ...]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]
    colours: tuple[Colour, ...]

    @classmethod
    def of(cls, found: Discovery, name: str, path: Path) -> "Finding":
        """Keep of a discovery what a page needs."""
        picture = Image.fromarray(found.image)
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        small = np.asarray(picture)
        small_masks = _resized(found.masks, picture.size)
        return cls(
            name,
            path,
            (found.image.shape[0], found.image.shape[1]),
            small,
            RunLengths.encode(found.masks),
            RunLengths.encode(small_masks),
            found.boxes_xyxy,
            found.scores,
            tuple(contrasting_colours(small, small_masks)),
        )

    def count(self, min_score: float, max_objects: int) -> int:
        """How many objects have at least some score, of at most so many."""
        return int(np.count_nonzero(self.scores[:max_objects] >= min_score))

    def overlay(self, count: int) -> Image.Image:
        """The photograph with its first objects, numbered from 1."""
        share = self.small.shape[1] / self.size[1]
        return overlay(
            self.small,
            _decoded(self.small_masks[:count], self.small.shape[:2]),
            self.boxes_xyxy[:count] * share,
            self.scores[:count],
            texts=[str(number) for number in range(1, count + 1)],
            colours=self.colours[:count],
        )

    def rows(self, count: int) -> list["Row"]:
        """A row of a table for each of the first objects."""
        return [
            Row(
                number + 1,
                "#{:02x}{:02x}{:02x}".format(*self.colours[number]),
                round(100 * float(self.scores[number])),
                self._cutout(number),
                *(round(float(value)) for value in self.boxes_xyxy[number]),
            )
            for number in range(count)
        ]

    def discovery(self, count: int, tag: object = None) -> Discovery:
        """The first objects as `Discoverer.discover` gives them, at the photograph's own size.

        Raises:
            ImageError: The upload is gone.
        """
        masks = _decoded(self.masks[:count], self.size)
        segments = best_on_top(masks, self.size)
        image = read_photograph(self.path)
        return Discovery(image, segments, masks, self.boxes_xyxy[:count], self.scores[:count], self.path, tag)

    def _cutout(self, number: int) -> str:
        """An object on transparent ground, as a link that holds its own picture."""
        mask = self.small_masks[number].decode()
        if not mask.any():
            return ""
        picture = Image.fromarray(np.dstack([self.small, mask * np.uint8(255)]))
        picture = picture.crop(picture.getchannel("A").getbbox())
        picture.thumbnail((2 * _THUMB_SIDE, 2 * _THUMB_SIDE))
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=80)
        return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"


@dataclass(frozen=True)
class Row:
    """One object in a table.

    Attributes:
        number: As it is on the picture.
        colour: As it is on the picture, in CSS.
        score: In per cent.
        cutout: Its pixels as a picture in a link; empty where it is too small for one.
        left: The first column of its box; top, right and bottom likewise, the last two exclusive.
    """

    number: int
    colour: str
    score: int
    cutout: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Look:
    """What came of some uploads.

    Attributes:
        findings: Of those that could be read.
        faults: Why others could not, a sentence each.
    """

    findings: tuple[Finding, ...]
    faults: tuple[str, ...]


def look_at(discoverer: Discoverer, uploads: Sequence[Path]) -> Look:
    """Find everything in uploaded photographs; what cannot be read is said and costs the others nothing.

    Args:
        discoverer: What finds it; its rule is to be `EVERYTHING`.
        uploads: Files under the names that people gave them.
    """
    faults: dict[Path, str] = {}
    if len(uploads) > MOST_PHOTOGRAPHS:
        count = f"{len(uploads)} photographs are more than {MOST_PHOTOGRAPHS}"
        return Look((), (f"{count}; use `slotlight discover` for whole folders.",))

    def fail(upload: Photograph | Tagged, fault: ImageError) -> None:
        path = Path(str(upload.photograph if isinstance(upload, Tagged) else upload))
        faults[path] = str(fault).replace(printable(str(path)), printable(path.name))

    uploads = list(dict.fromkeys(uploads))
    names = dict(zip(uploads, _distinct([upload.name for upload in uploads]), strict=True))
    found = discoverer.stream([Tagged(upload, upload) for upload in uploads], on_error=fail)
    findings = [Finding.of(one, names[one.path], one.path) for one in found if one.path]
    return Look(tuple(findings), tuple(faults[upload] for upload in uploads if upload in faults))


def folder_for_a_while(home: Path, prefix: str, kept_s: int) -> Path:
    """Make a folder for results; those of its kind that are older than so many seconds are deleted."""
    for earlier in home.glob(f"{prefix}*"):
        if time.time() - earlier.stat().st_mtime > kept_s:
            shutil.rmtree(earlier, ignore_errors=True)
    return Path(mkdtemp(prefix=prefix, dir=home))


def write_zip(
    file: Path,
    findings: Sequence[Finding],
    min_score: float,
    max_objects: int,
    info: Mapping[str, object],
    formats: Sequence[str] = ("coco",),
) -> None:
    """Write what `slotlight discover` would have written of the same photographs: objects, label maps, overlays.

    Args:
        file: The zip.
        findings: Of all photographs.
        min_score: See `ObjectRule`.
        max_objects: See `ObjectRule`.
        info: What ``objects.json`` says of itself.
        formats: Names of formats, as `slotlight discover` takes them; YOLO's folder has the photographs themselves.

    Raises:
        ImageError: An upload is gone.
    """
    names = picture_names([Path(one.name) for one in findings])
    ids = image_ids(one.name for one in findings)
    with TemporaryDirectory(dir=file.parent) as home:
        pictures = Pictures(Path(home))
        rows: list[FoundPhotograph] = []
        for one in findings:
            entry = Entry(one.name, names[Path(one.name)], ids[one.name], [], LocalFile(str(one.path)))
            line = pictures.write(one.discovery(one.count(min_score, max_objects), entry))
            rows.append(replace(line.found(line.file), file=str(one.path)))
        write_formats(Found(info, lambda: iter(rows)), Path(home), FormatConfig(format=tuple(formats)))
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(path for path in Path(home).rglob("*") if path.is_file()):
                target.write(path, path.relative_to(home).as_posix())


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The same names, those that came before with a number: people upload two files called ``image.jpg``."""
    taken: set[str] = set()
    for name in names:
        path, number, new = Path(name), 1, name
        while new in taken:
            number += 1
            new = f"{path.stem} ({number}){path.suffix}"
        taken.add(new)
        yield new


def _resized(
    masks: Bool[np.ndarray, "object height width"], size: tuple[int, int]
) -> Bool[np.ndarray, "object rows columns"]:
    """Masks at another (width, height)."""
    small = [np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)) for mask in masks]
    return np.array(small, bool).reshape(-1, size[1], size[0])


def _decoded(codes: Iterable[RunLengths], size: tuple[int, ...]) -> Bool[np.ndarray, "object height width"]:
    return np.array([code.decode() for code in codes], bool).reshape(-1, *size)
