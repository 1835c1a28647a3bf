"""COCO's form for videos, as YouTube-VIS has it: a track an annotation, with a mask, box and area a frame."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VideoInfo:
    """A video as the file describes it.

    Attributes:
        name: Frames are called ``name/000000.jpg`` and so on, by their number in the video.
        width: In pixels.
        height: In pixels.
        frames: The number of each frame that is described, in order.
        times_s: When each of them is shown.
    """

    name: str
    width: int
    height: int
    frames: Sequence[int]
    times_s: Sequence[float]


@dataclass(frozen=True)
class Sighting:
    """A track in one frame: the frame's place among those that are described, and its annotation in COCO's form."""

    place: int
    annotation: dict[str, Any]


def coco_video_json(
    info: dict[str, Any], video: VideoInfo, tracks: Callable[[], Iterable[tuple[int, Iterable[Sighting]]]]
) -> Iterator[str]:
    """The file piece by piece: no more than the boxes of one track is in memory.

    Args:
        info: What the file says of itself.
        video: The one video.
        tracks: Gives the number of each track and, in order, where it is seen.

    Source: the annotations of youtube-vos.org's YouTube-VIS; ``score`` and ``times_s`` are additions.

    Example:
        >>> seen = {"segmentation": {"size": [2, 2], "counts": "04"}, "bbox": [0, 0, 2, 2], "area": 4, "score": 0.5}
        >>> video = VideoInfo("clip", 2, 2, [0, 1], [0.0, 0.04])
        >>> file = json.loads("".join(coco_video_json({}, video, lambda: [(7, [Sighting(1, seen)])])))
        >>> file["videos"][0]["file_names"], file["annotations"][0]["areas"]
        (['clip/000000.jpg', 'clip/000001.jpg'], [None, 4])
    """
    row = {
        "id": 1,
        "width": video.width,
        "height": video.height,
        "length": len(video.frames),
        "file_names": [f"{video.name}/{number:06d}.jpg" for number in video.frames],
        "times_s": list(video.times_s),
    }
    yield f'{{"info": {json.dumps(info)},\n "videos": [{json.dumps(row)}],\n'
    yield ' "categories": [{"id": 1, "name": "object"}],\n "annotations": ['
    for count, (number, sightings) in enumerate(tracks()):
        yield (",\n  " if count else "\n  ") + f'{{"id": {number}, "video_id": 1, "category_id": 1, '
        yield f'"iscrowd": 0, "width": {video.width}, "height": {video.height}, "segmentations": ['
        boxes: list[list[float] | None] = []
        areas: list[int | None] = []
        scores: list[float] = []
        for sighting in sightings:
            absent = sighting.place - len(boxes)
            yield "null, " * absent + json.dumps(sighting.annotation["segmentation"])
            boxes += [*[None] * absent, sighting.annotation["bbox"]]
            areas += [*[None] * absent, sighting.annotation["area"]]
            scores.append(sighting.annotation["score"])
            yield ", " if len(boxes) < len(video.frames) else ""
        absent = len(video.frames) - len(boxes)
        yield ", ".join(["null"] * absent) + "], "
        rest = {
            "bboxes": boxes + [None] * absent,
            "areas": areas + [None] * absent,
            "score": round(sum(scores) / max(1, len(scores)), 4),
        }
        yield json.dumps(rest)[1:]
    yield "]}\n"
