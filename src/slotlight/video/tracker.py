"""Objects of one frame after another → numbers that stay with them.

An object is matched to the track that it resembles most in place (overlap of masks, nearness of boxes) and in
features, all objects of a frame at once by the assignment of greatest total similarity. What is matched to nothing
begins a track; a track that nothing is matched to waits for a while, and what reappears meanwhile has its old number.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from slotlight.config import TrackRule

_OLD = 0.8
"""Of a track's feature, the share that each new frame leaves: one bad mask does not change what it looks like."""

_NEAR = 0.05
"""However alike, nothing jumps across the picture: an object's place is at least this similar."""


@dataclass
class Track:
    """An object that has been seen, and may be seen again.

    Attributes:
        number: From 1 in the order of birth; 0 before it.
        hits: Frames in which it was found.
        missed: Frames since.
        bbox: Left, top, width, height, when it was last found.
        segmentation: Its mask then, in COCO's compressed run lengths.
        feature: Of the frames so far, the newest weighing most.
    """

    number: int
    hits: int
    missed: int
    bbox: list[float]
    segmentation: dict[str, Any]
    feature: Float[np.ndarray, " dim"]


class Tracker:
    """Numbers the objects of a video, frame by frame.

    Args:
        rule: Which object is which.

    Example:
        >>> tracker = Tracker(TrackRule())
        >>> mask = rle.encode(np.asfortranarray(np.eye(9, dtype=np.uint8)))
        >>> box = {"bbox": [2.0, 2.0, 4.0, 4.0], "segmentation": mask}
        >>> tracker.update([box], np.ones((1, 1), np.float32)), tracker.update([], np.ones((0, 1), np.float32))
        ([1], [])
        >>> tracker.update([box], np.ones((1, 1), np.float32))  # it is back
        [1]
    """

    def __init__(self, rule: TrackRule) -> None:
        self.rule = rule
        self.tracks: list[Track] = []
        self.frames = self.born = 0

    def update(
        self, annotations: Sequence[Mapping[str, Any]], features: Float[np.ndarray, "object dim"]
    ) -> list[int]:
        """Number the objects of the next frame.

        Args:
            annotations: Each with ``bbox`` and ``segmentation`` (run lengths) as COCO has them.
            features: One row an object, at unit length; without columns, place alone decides.

        Returns:
            The number of each object; 0 where it has not been seen often enough to have one.
        """
        self.frames += 1
        similar = self._similarity(annotations, features)
        rows, columns = linear_sum_assignment(similar, maximize=True)
        track_of = {
            int(column): self.tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if similar[row, column] >= self.rule.min_similarity
        }
        for track in self.tracks:
            track.missed += 1
        for place, (annotation, feature) in enumerate(zip(annotations, features, strict=True)):
            box, mask = list(annotation["bbox"]), dict(annotation["segmentation"])
            if place not in track_of:
                track_of[place] = Track(0, 0, 0, box, mask, feature)
                self.tracks.append(track_of[place])
            track = track_of[place]
            track.hits, track.missed = track.hits + 1, 0
            track.bbox, track.segmentation = box, mask
            track.feature = _unit(_OLD * track.feature + (1 - _OLD) * feature)
            if not track.number and (track.hits >= self.rule.birth or self.frames <= self.rule.birth):
                self.born += 1
                track.number = self.born
        self.tracks = [track for track in self.tracks if track.missed <= self._patience(track)]
        return [track_of[place].number for place in range(len(annotations))]

    def _patience(self, track: Track) -> int:
        """For how many frames a track waits; what is not yet born does not."""
        return self.rule.memory if track.number else 0

    def _similarity(
        self, annotations: Sequence[Mapping[str, Any]], features: Float[np.ndarray, "object dim"]
    ) -> Float[np.ndarray, "track object"]:
        if not self.tracks or not annotations:
            return np.zeros((len(self.tracks), len(annotations)))
        masks = [annotation["segmentation"] for annotation in annotations]
        overlap = np.asarray(
            rle.iou([track.segmentation for track in self.tracks], masks, [0] * len(masks)), dtype=np.float64
        )
        known = np.array([track.bbox for track in self.tracks])
        boxes = np.array([annotation["bbox"] for annotation in annotations])
        place: Float[np.ndarray, "track object"] = (overlap + nearness(known, boxes)) / 2
        if not features.shape[1]:
            return place
        alike = np.stack([track.feature for track in self.tracks]) @ features.T
        similar: Float[np.ndarray, "track object"] = np.where(
            place > _NEAR, self.rule.likeness * alike.clip(min=0) + (1 - self.rule.likeness) * place, 0.0
        )
        return similar

    def state(self) -> dict[str, Any]:
        """Everything that decides what comes next, as plain JSON values."""
        tracks = [asdict(track) | {"feature": _encoded(track.feature)} for track in self.tracks]
        return {"frames": self.frames, "born": self.born, "tracks": tracks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a `state`."""
        self.frames, self.born = state["frames"], state["born"]
        self.tracks = [Track(**one | {"feature": _decoded(one["feature"])}) for one in state["tracks"]]


def nearness(
    known: Float[np.ndarray, "track 4"], boxes: Float[np.ndarray, "object 4"]
) -> Float[np.ndarray, "track object"]:
    """How near boxes (left, top, width, height) are, in units of their size, and how equal in size: 1 is the same.

    Example:
        >>> here = np.array([[0.0, 0, 4, 4]])
        >>> nearness(here, np.array([[0.0, 0, 4, 4], [4, 0, 4, 4], [0, 0, 8, 8]])).round(2).tolist()
        [[1.0, 0.37, 0.4]]
    """
    centres, others = (box[:, :2] + box[:, 2:] / 2 for box in (known, boxes))
    sides, other_sides = (np.sqrt(box[:, 2:].prod(axis=1).clip(min=1)) for box in (known, boxes))
    scale = (sides[:, None] + other_sides[None]) / 2
    distance = np.linalg.norm(centres[:, None] - others[None], axis=-1) / scale
    ratio = np.minimum(sides[:, None], other_sides[None]) / np.maximum(sides[:, None], other_sides[None])
    near: Float[np.ndarray, "track object"] = np.exp(-(distance**2)) * ratio
    return near


def _unit(feature: Float[np.ndarray, " dim"]) -> Float[np.ndarray, " dim"]:
    return (feature / max(float(np.linalg.norm(feature)), 1e-6)).astype(np.float32)


def _encoded(feature: Float[np.ndarray, " dim"]) -> str:
    return base64.b64encode(feature.astype("<f4").tobytes()).decode()


def _decoded(text: str) -> Float[np.ndarray, " dim"]:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
