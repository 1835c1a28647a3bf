"""Label Studio: tasks with predictions, a brush mask and a box for each object.

Label Studio has run lengths of its own (thi.ng's rle-pack): a header, then for each run a flag, the width of its length
(3, 4, 8 or 16 bits), its length less one, and its value. They are made here because the SDK, whose are the same byte
for byte, brings 25 packages with it and takes seconds for a large mask.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jaxtyping import Bool

from slotlight.files import write_text
from slotlight.formats.found import Found, FoundPhotograph


@dataclass(frozen=True)
class Tags:
    """What the labelling interface calls its tags; None where it has none of a kind."""

    brush: str | None = "brush"
    box: str | None = "box"
    image: str = "image"


INTERFACE = """<View>
  <Image name="image" value="$image" zoom="true"/>
  <BrushLabels name="brush" toName="image"><Label value="object"/></BrushLabels>
  <RectangleLabels name="box" toName="image"><Label value="object"/></RectangleLabels>
</View>"""
"""A labelling interface with these tags."""

_LENGTH_BITS = np.array([3, 4, 8, 16])
_LONGEST = 2**16


def write_label_studio(found: Found, folder: Path) -> None:
    """Write ``label-studio.json``: a task for each photograph, which its local storage serves."""
    write_text(folder / "label-studio.json", _tasks(found))


def _tasks(found: Found) -> Iterator[str]:
    yield "["
    for number, photograph in enumerate(found.photographs()):
        task = {
            "data": {"image": local_file(photograph.file_name)},
            "predictions": [label_studio_prediction(photograph, found)],
        }
        yield (",\n" if number else "\n") + json.dumps(task)
    yield "\n]\n"


def local_file(file_name: str) -> str:
    """The address of a photograph below Label Studio's LOCAL_FILES_DOCUMENT_ROOT; a URL stays as it is.

    Example:
        >>> local_file("/home/me/a b.jpg")
        '/data/local-files/?d=home/me/a%20b.jpg'
    """
    if "://" in file_name:
        return file_name
    return "/data/local-files/?d=" + quote(os.fsencode(Path(file_name).as_posix().lstrip("/")))


def label_studio_prediction(
    photograph: FoundPhotograph,
    found: Found,
    tags: Tags = Tags(),
) -> dict[str, Any]:
    """A prediction for one task; its score is the photograph's `FoundPhotograph.certainty`, by which tasks sort."""
    model = f"{found.info.get('model', 'slotlight')}-{found.info.get('fingerprint', '')}".rstrip("-")
    return {
        "model_version": model,
        "score": photograph.certainty(),
        "result": list(_regions(photograph, found, tags)),
    }


def _regions(photograph: FoundPhotograph, found: Found, tags: Tags) -> Iterator[dict[str, Any]]:
    size = np.array([photograph.width, photograph.height] * 2)
    shared = {
        "to_name": tags.image,
        "original_width": photograph.width,
        "original_height": photograph.height,
        "image_rotation": 0,
    }
    for number, (annotation, mask) in enumerate(
        zip(photograph.annotations, photograph.each_mask(), strict=True), start=1
    ):
        score, label = annotation["score"], [found.class_of(annotation)]
        left, top, width, height = (100 * np.array(annotation["bbox"]) / size).tolist()
        box = {"x": left, "y": top, "width": width, "height": height, "rotation": 0}
        brush = {"format": "rle", "rle": brush_run_lengths(mask), "brushlabels": label}
        if tags.brush:
            yield _region(f"brush{number}", tags.brush, "brushlabels", score, brush) | shared
        if tags.box:
            value = box | {"rectanglelabels": label}
            yield _region(f"box{number}", tags.box, "rectanglelabels", score, value) | shared


def _region(name: str, tag: str, kind: str, score: float, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "type": kind, "from_name": tag, "score": score, "value": dict(value)}


def brush_run_lengths(mask: Bool[np.ndarray, "height width"]) -> list[int]:
    """A mask as Label Studio's brush keeps it: bytes of the run lengths of its RGBA picture.

    Example:
        >>> brush_run_lengths(np.ones((1, 2), bool))
        [0, 0, 0, 8, 57, 27, 252, 255, 224]
    """
    pixels = np.repeat(mask.ravel(), 4)
    ends = np.append(np.flatnonzero(pixels[1:] != pixels[:-1]) + 1, len(pixels))
    lengths, values = _split(np.diff(ends, prepend=0), pixels[ends - 1])
    width = np.searchsorted(2**_LENGTH_BITS, lengths)
    length_bits = _LENGTH_BITS[width]
    codes = (((1 << 2 | width) << length_bits | lengths - 1) << 8) | values * 255
    header = f"{len(pixels):032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    bits = np.unpackbits(codes.astype(">u4").view(np.uint8)).reshape(-1, 32)
    written = bits[np.arange(32) >= 32 - (11 + length_bits[:, None])]
    everything = np.concatenate([np.array(list(header), np.uint8), written])
    padding = np.zeros(8 - len(everything) % 8, np.uint8)  # a whole byte of it where none is needed
    found: list[int] = np.packbits(np.concatenate([everything, padding])).tolist()
    return found


def _split(lengths: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs that are too long for 16 bits, in several."""
    pieces = (lengths - 1) // _LONGEST + 1
    split = np.full(pieces.sum(), _LONGEST)
    split[np.cumsum(pieces) - 1] = (lengths - 1) % _LONGEST + 1
    return split, np.repeat(values, pieces).astype(np.int64)
